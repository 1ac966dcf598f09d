from __future__ import annotations

from collections.abc import Callable

import pytest

from hsi.doctor import Finding, Level, Machine
from hsi.doctor.processor import processor

MakeMachine = Callable[..., Machine]
FREQUENCY = "sys/devices/system/cpu/cpu0/cpufreq"


def _of(machine: Machine, subject: str) -> Finding:
    (found,) = [one for one in processor(machine) if one.subject == subject]
    return found


@pytest.mark.parametrize(
    ("info", "level", "text"),
    [
        ("flags\t\t: fpu avx2 avx512_vnni", Level.OK, "AVX512-VNNI: INT8 runs at full speed"),
        ("flags\t\t: fpu avx2", Level.NOTE, "no VNNI"),
        ("flags\t\t: fpu sse4_2", Level.WARNING, "no AVX2"),
        ("Features\t: fp asimd asimddp", Level.OK, "Arm with asimd, asimddp"),
        ("", Level.NOTE, "not known"),
    ],
)
def test_instructions_are_judged(
    make_machine: MakeMachine, info: str, level: Level, text: str
) -> None:
    found = _of(make_machine({"proc/cpuinfo": info}), "processor")

    assert found.level is level
    assert text in found.text


def test_a_container_with_less_time_than_cores_is_told_its_threads(
    make_machine: MakeMachine,
) -> None:
    found = _of(make_machine({"sys/fs/cgroup/cpu.max": "50000 100000"}), "cores")

    assert found.level is Level.WARNING
    assert "--threads 1" in found.mend


@pytest.mark.parametrize(
    ("files", "level"),
    [
        ({"scaling_governor": "powersave", "scaling_driver": "acpi-cpufreq"}, Level.WARNING),
        ({"scaling_governor": "powersave", "scaling_driver": "intel_pstate"}, Level.OK),
        ({"scaling_governor": "performance"}, Level.OK),
    ],
)
def test_a_governor_that_saves_power_is_warned_of(
    make_machine: MakeMachine, files: dict[str, str], level: Level
) -> None:
    machine = make_machine({f"{FREQUENCY}/{name}": text for name, text in files.items()})

    assert _of(machine, "processor clock").level is level


@pytest.mark.parametrize(("milli", "level"), [("45000", Level.OK), ("97000", Level.WARNING)])
def test_heat_is_warned_of(make_machine: MakeMachine, milli: str, level: Level) -> None:
    machine = make_machine(
        {
            "sys/class/thermal/thermal_zone0/temp": milli,
            "sys/class/thermal/thermal_zone1/temp": "20000",
            "sys/class/thermal/cooling_device0/type": "fan",
        }
    )

    assert _of(machine, "temperature").level is level


def test_scarce_memory_is_warned_of(make_machine: MakeMachine) -> None:
    found = _of(make_machine({"proc/meminfo": "MemAvailable:  524288 kB"}), "memory")

    assert found.level is Level.WARNING
    assert found.text.startswith("512 MiB are free")
