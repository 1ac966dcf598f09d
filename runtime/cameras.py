"""The cameras of this machine."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

_DEVICES = Path("/sys/class/video4linux")


@dataclass(frozen=True, kw_only=True)
class Camera:
    """A camera that the system knows."""

    number: int  # what `hsi-run --camera` takes
    device: str
    name: str  # as the driver says


def cameras(devices: Path = _DEVICES) -> list[Camera]:
    """Return the local cameras by number. Elsewhere than on Linux none is known.

    Args:
        devices: Where the kernel lists them.
    """
    found = []
    for entry in devices.glob("video*"):
        number = entry.name.removeprefix("video")
        # A camera has further devices, for metadata; the first gives pictures.
        if number.isdecimal() and _text(entry / "index") in ("0", ""):
            name = _text(entry / "name") or "unnamed"
            found.append(Camera(number=int(number), device=f"/dev/{entry.name}", name=name))
    return sorted(found, key=lambda camera: camera.number)


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return ""
