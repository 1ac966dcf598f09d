"""The device that computes, by name."""

import torch

from hsi.runtime.errors import OptionError


def checked_device(name: str, option: str = "device") -> torch.device:
    """The device of a name, such as ``cpu`` or ``cuda:1``.

    Args:
        name: As torch has it.
        option: What to call the option in an error.

    Raises:
        OptionError: torch has no such device here, or it computes nothing.
    """
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise OptionError(f"{option} must be one torch has here, got {name!r}: {reason}") from error
    if device.type == "meta":
        raise OptionError(f"{option} must be one that computes, got {name!r}")
    return device
