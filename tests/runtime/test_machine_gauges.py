from __future__ import annotations

from pathlib import Path

import pytest

from hsi.runtime.machine_gauges import MachineGauges


@pytest.fixture
def sysfs(tmp_path: Path) -> Path:
    """What a Jetson shows: two zones of a name, a monitor of one rail, and a chip with a fault."""
    files = {
        "class/thermal/thermal_zone0/type": "cpu-thermal",
        "class/thermal/thermal_zone0/temp": "45500",
        "class/thermal/thermal_zone1/type": "cpu-thermal",
        "class/thermal/thermal_zone1/temp": "47000",
        "class/thermal/thermal_zone2/type": "broken",
        "class/thermal/thermal_zone2/temp": "",
        "class/hwmon/hwmon0/name": "ina3221",
        "class/hwmon/hwmon0/in1_label": "VDD_IN",
        "class/hwmon/hwmon0/in1_input": "5000",
        "class/hwmon/hwmon0/curr1_input": "1200",
        "class/hwmon/hwmon1/name": "nvme",
        "class/hwmon/hwmon1/temp1_input": "38850",
        "class/hwmon/hwmon1/temp1_label": "Composite",
        "class/hwmon/hwmon2/power1_input": "15000000",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text + "\n")
    return tmp_path


def test_temperatures_are_those_of_zones_and_chips(sysfs: Path) -> None:
    assert MachineGauges(sysfs).temperatures_c() == {
        "cpu-thermal": 45.5,
        "cpu-thermal #2": 47.0,
        "nvme Composite": 38.85,
    }


def test_power_is_told_or_made_of_volts_and_amperes(sysfs: Path) -> None:
    assert MachineGauges(sysfs).powers_w() == {"hwmon2 power1": 15.0, "ina3221 VDD_IN": 6.0}


def test_a_machine_without_sensors_tells_nothing(tmp_path: Path) -> None:
    gauges = MachineGauges(tmp_path)
    assert (gauges.temperatures_c(), gauges.powers_w()) == ({}, {})
