"""Temperatures and power of this machine, where it tells them."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

logger = logging.getLogger(__name__)


class MachineGauges:
    """Reads the sensors that Linux shows in `/sys`, and those of NVIDIA GPUs through NVML.

    What is not there or cannot be read is left out. NVML is asked where `pynvml` is installed; a
    Jetson has none and shows its sensors in `/sys`.

    Args:
        sysfs: Where the system shows its sensors.
    """

    def __init__(self, sysfs: Path = Path("/sys")) -> None:
        self._sysfs = sysfs
        self._nvml = _opened_nvml()

    def temperatures_c(self) -> dict[str, float]:
        """Return degrees Celsius by sensor."""
        found: dict[str, float] = {}
        for zone in sorted(self._sysfs.glob("class/thermal/thermal_zone*")):
            _note(found, _text(zone / "type") or zone.name, _number(zone / "temp"), 1000)
        for chip, sensor in self._hwmon("temp*_input"):
            _note(found, f"{chip} {_label(sensor)}", _number(sensor), 1000)
        for name, device in self._gpus():
            with contextlib.suppress(self._nvml.NVMLError):
                kind = self._nvml.NVML_TEMPERATURE_GPU
                _note(found, name, self._nvml.nvmlDeviceGetTemperature(device, kind), 1)
        return found

    def powers_w(self) -> dict[str, float]:
        """Return watts by sensor."""
        found: dict[str, float] = {}
        for chip, sensor in self._hwmon("power*_input"):
            _note(found, f"{chip} {_label(sensor)}", _number(sensor), 1_000_000)
        # The monitors of a Jetson tell volts and amperes of each rail.
        for chip, sensor in self._hwmon("curr*_input"):
            rail = sensor.with_name(sensor.name.replace("curr", "in"))
            volts, amperes = _number(rail), _number(sensor)
            if volts is not None and amperes is not None:
                _note(found, f"{chip} {_label(rail)}", volts * amperes, 1_000_000)
        for name, device in self._gpus():
            with contextlib.suppress(self._nvml.NVMLError):
                _note(found, name, self._nvml.nvmlDeviceGetPowerUsage(device), 1000)
        return found

    def _hwmon(self, pattern: str) -> Iterator[tuple[str, Path]]:
        for sensor in sorted(self._sysfs.glob(f"class/hwmon/hwmon*/{pattern}")):
            yield _text(sensor.parent / "name") or sensor.parent.name, sensor

    def _gpus(self) -> Iterator[tuple[str, Any]]:
        if self._nvml is None:
            return
        with contextlib.suppress(self._nvml.NVMLError):
            for number in range(self._nvml.nvmlDeviceGetCount()):
                yield f"gpu {number}", self._nvml.nvmlDeviceGetHandleByIndex(number)


def _opened_nvml() -> Any:
    try:
        import pynvml
    except ModuleNotFoundError:
        return None
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError as error:
        logger.debug("no GPU sensors: %s", error)
        return None
    return pynvml


def _note(found: dict[str, float], sensor: str, value: float | None, unit: float) -> None:
    """Add a value, a second sensor of a name with its number behind."""
    if value is None:
        return
    name, number = sensor, 1
    while name in found:
        number += 1
        name = f"{sensor} #{number}"
    found[name] = value / unit


def _label(sensor: Path) -> str:
    stem = sensor.name.removesuffix("_input")
    return _text(sensor.with_name(f"{stem}_label")) or stem


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return ""


def _number(path: Path) -> float | None:
    try:
        return float(_text(path))
    except ValueError:
        return None
