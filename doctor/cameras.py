"""Local cameras: whether they may be opened, and who has them open."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from hsi.doctor.child import tried
from hsi.doctor.finding import Finding, fault, note, ok, warning
from hsi.doctor.machine import Machine

_USBFS_MIB = 128  # what a USB3 Vision camera's transfers take; the kernel gives 16


def cameras(machine: Machine) -> Iterator[Finding]:
    """What there is of USB and built-in cameras."""
    from hsi.runtime.cameras import local_cameras

    found = local_cameras(machine.path("sys/class/video4linux"))
    if not found:
        yield note(
            "cameras",
            "no local camera",
            "plug one in, or give a container its device (--device /dev/video0); network cameras "
            "need none: hsi-run --probe rtsp://...",
        )
    for camera in found:
        device = machine.path(camera.device.lstrip("/"))
        yield _camera(f"camera {camera.address}", camera.name, device, camera.device, machine)
    yield from _usb_memory(machine, any_camera=bool(found))


def genicam_cameras() -> Iterator[Finding]:
    """What answers of GigE Vision and USB3 Vision cameras."""
    subject = "GigE Vision and USB3 Vision"
    told = tried("genicam")[-1]
    if "error" in told:
        yield note(
            subject,
            f"these cameras cannot be opened: {told['error']}",
            "run sudo apt-get install libaravis-0.8-0",
        )
    elif not told["cameras"]:
        yield note(
            subject,
            "Aravis loads, and no camera answers",
            "see that the camera has an address of this network (arv-tool-0.8), and that no "
            "firewall drops UDP port 3956",
        )
    for camera in told.get("cameras", ()):
        yield ok(subject, camera)


def _camera(subject: str, name: str, device: Path, shown: str, machine: Machine) -> Finding:
    try:
        # Without waiting: some drivers let nobody in while they start.
        os.close(os.open(device, os.O_RDWR | os.O_NONBLOCK))
    except FileNotFoundError:
        return fault(
            subject,
            f"{name}: the kernel has it, but there is no {shown}",
            f"give a container the device (--device {shown}); elsewhere plug the camera in again",
        )
    except PermissionError:
        return fault(
            subject,
            f"{name}: no permission to open {shown}",
            "run sudo usermod -aG video $USER and log in again; a container needs "
            "--group-add video",
        )
    except OSError as error:
        return fault(
            subject,
            f"{name}: {shown} cannot be opened: {error.strerror}",
            "end the program that has it, or plug the camera in again; dmesg says more",
        )
    users = _users(device, machine)
    if users:
        return warning(
            subject,
            f"{name}: {shown} is open in {users}, and most cameras serve one program alone",
            "end that program before hsi-run starts",
        )
    return ok(subject, f"{name}, {shown}")


def _users(device: Path, machine: Machine) -> str:
    """The processes that have a file open, as far as this user may see."""
    found = []
    for process in machine.entries("proc"):
        if not process.name.isdecimal():
            continue
        links = machine.entries(f"proc/{process.name}/fd")
        if any(_target(link) == str(device) for link in links):
            name = machine.text(f"proc/{process.name}/comm") or "a process"
            found.append(f"{name} (process {process.name})")
    return ", ".join(found)


def _target(link: Path) -> str:
    try:
        return os.readlink(link)
    except OSError:
        return ""


def _usb_memory(machine: Machine, *, any_camera: bool) -> Iterator[Finding]:
    found = machine.number("sys/module/usbcore/parameters/usbfs_memory_mb")
    if any_camera and found is not None and 0 < found < _USBFS_MIB:
        yield note(
            "usb",
            f"USB transfers of programs have {found} MiB, too few for USB3 Vision cameras",
            "run echo 1000 | sudo tee /sys/module/usbcore/parameters/usbfs_memory_mb, and put "
            "usbcore.usbfs_memory_mb=1000 on the kernel's command line",
        )
