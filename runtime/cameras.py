"""The cameras of this machine and its network."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlencode

from hsi.runtime.errors import SourceError

logger = logging.getLogger(__name__)

_DEVICES = Path("/sys/class/video4linux")


@dataclass(frozen=True, kw_only=True)
class Camera:
    """A camera that the system knows, or that answers."""

    address: str  # what `hsi-run --camera` takes
    device: str  # where it is: a device, an IP address
    name: str  # as it says


def cameras() -> list[Camera]:
    """Return the local cameras by number, then those of machine vision.

    GigE Vision and USB3 Vision cameras have a second to answer, and need Aravis; those behind a
    GenTL producer need harvesters.
    """
    return [*local_cameras(), *_aravis_cameras(), *_gentl_cameras()]


def local_cameras(devices: Path = _DEVICES) -> list[Camera]:
    """Return the local cameras by number. Elsewhere than on Linux none is known.

    Args:
        devices: Where the kernel lists them.
    """
    found = {}
    for entry in devices.glob("video*"):
        number = entry.name.removeprefix("video")
        # A camera has further devices, for metadata; the first gives pictures.
        if number.isdecimal() and _text(entry / "index") in ("0", ""):
            name = _text(entry / "name") or "unnamed"
            found[int(number)] = Camera(address=number, device=f"/dev/{entry.name}", name=name)
    return [found[number] for number in sorted(found)]


def _aravis_cameras() -> list[Camera]:
    from hsi.runtime.genicam.aravis import load_aravis

    try:
        devices = load_aravis().devices()
    except SourceError as error:
        logger.debug("%s", error)
        return []
    return [
        Camera(
            address=f"gige://{quote(one.serial or one.id)}",
            device=one.address,
            name=f"{one.vendor} {one.model} ({one.protocol})",
        )
        for one in devices
    ]


def _gentl_cameras() -> list[Camera]:
    from hsi.runtime.genicam.gentl_producer import Producer, known_producers

    found = []
    for path in known_producers():
        try:
            with Producer(path) as producer:
                devices = producer.devices()
        except SourceError as error:
            logger.debug("%s", error)
            continue
        for one in devices:
            address = f"gentl://{quote(str(path))}?{urlencode({'id': one.serial or one.id})}"
            name = f"{one.vendor} {one.model} (GenTL)"
            found.append(Camera(address=address, device=one.id, name=name))
    return found


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return ""
