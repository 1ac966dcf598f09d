"""NVIDIA's GPU and its driver."""

from __future__ import annotations

import re
from collections.abc import Iterator

from hsi.doctor.child import tried
from hsi.doctor.finding import Finding, fault, note, ok, warning
from hsi.doctor.machine import Machine

_NVIDIA = "0x10de"
_DISPLAY = "0x03"  # the first byte of a PCI class


def gpu(machine: Machine) -> Iterator[Finding]:
    """Whether there is a GPU, and whether the driver gives it to this process."""
    driver = _driver_version(machine)
    found = tried("device")[-1]
    if "name" in found:
        yield ok(
            "gpu",
            f"{found['name']}, compute capability {found['compute_capability']}, driver "
            f"{driver or 'of unknown version'}, takes CUDA up to {found['cuda']}",
        )
    elif driver is not None:
        yield fault(
            "gpu",
            f"the NVIDIA driver {driver} runs, but this process has no GPU: {found['error']}",
            "see that nvidia-smi works; a container needs --gpus all and NVIDIA's container "
            "toolkit; CUDA_VISIBLE_DEVICES must not be empty",
        )
    elif machine.has_pci(_NVIDIA, _DISPLAY):
        yield warning(
            "gpu",
            "there is an NVIDIA GPU and no driver for it",
            "install NVIDIA's driver (Debian: apt install nvidia-driver; Ubuntu: "
            "ubuntu-drivers install) and restart",
        )
    else:
        yield note("gpu", "no NVIDIA GPU is in this machine")


def _driver_version(machine: Machine) -> str | None:
    text = machine.text("proc/driver/nvidia/version")
    found = re.search(r"Module\D*(?:for \S+\s+)?(\d+\.[\d.]+)", text or "")
    return found[1] if found else ("of unknown version" if text else None)
