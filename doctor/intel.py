"""Intel's GPUs and NPUs, and what keeps OpenVINO from them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from hsi.doctor.machine import Machine

_INTEL = "0x8086"


@dataclass(frozen=True, kw_only=True)
class _Kind:
    """One kind of device, as the kernel shows it."""

    name: str
    pci_class: str  # its first digits
    listed: str  # folder of `sys` with a folder for each device file
    prefix: str  # of names there, which are those of the device files
    files: str  # folder of the device files
    modules: str  # of the kernel, which make the device files


_KINDS = {
    "openvino-gpu": _Kind(
        name="Intel GPU",
        pci_class="0x03",
        listed="sys/class/drm",
        prefix="renderD",
        files="dev/dri",
        modules="i915 or xe",
    ),
    "openvino-npu": _Kind(
        name="Intel NPU",
        pci_class="0x12",
        listed="sys/class/accel",
        prefix="accel",
        files="dev/accel",
        modules="intel_vpu",
    ),
}


def lack(engine: str, machine: Machine, driver: str) -> tuple[str, str]:
    """Why OpenVINO does not find the device of an engine.

    Args:
        engine: One on an Intel GPU or NPU.
        machine: Where the kernel tells of it.
        driver: What installs the driver that OpenVINO needs beside the kernel's.

    Returns:
        What is missing, and what mends it; empty where nothing does.
    """
    kind = _KINDS[engine]
    names = [
        one.name
        for one in machine.entries(kind.listed)
        if one.name.startswith(kind.prefix)
        and machine.text(f"{kind.listed}/{one.name}/device/vendor") == _INTEL
    ]
    if not names:
        if not machine.has_pci(_INTEL, kind.pci_class):
            return f"no {kind.name} is in this machine", ""
        return (
            f"there is an {kind.name} and no driver of the kernel for it",
            f"take a kernel with {kind.modules}, and see what dmesg says of it",
        )
    return _closed(kind, [machine.path(f"{kind.files}/{name}") for name in names]) or (
        f"there is an {kind.name}, and OpenVINO has no driver for it",
        driver,
    )


def _closed(kind: _Kind, paths: list[Path]) -> tuple[str, str] | None:
    """What to do about device files of which none may be opened; None where one may."""
    if not any(path.exists() for path in paths):
        return (
            f"there is an {kind.name}, but no /{kind.files}/{paths[0].name}",
            f"give a container the device (--device /{kind.files})",
        )
    if not any(os.access(path, os.R_OK | os.W_OK, effective_ids=True) for path in paths):
        return (
            f"there is an {kind.name}, but no permission to open /{kind.files}/{paths[0].name}",
            "run sudo usermod -aG render $USER and log in again; a container needs "
            "--group-add render",
        )
    return None
