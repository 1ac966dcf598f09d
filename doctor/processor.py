"""The processor and memory that engines on the CPU live from."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Iterator

from hsi.doctor.finding import Finding, note, ok, warning
from hsi.doctor.machine import Machine

_HOT_C = 90
_SCARCE_KIB = 2 << 20  # a 4K frame takes 1.5 GiB


def processor(machine: Machine) -> Iterator[Finding]:
    """What the processor can, and what holds it back."""
    yield _instructions(machine.text("proc/cpuinfo") or "")
    yield from _cores(machine)
    yield from _governor(machine)
    yield from _heat(machine)
    yield from _memory(machine)


def _instructions(info: str) -> Finding:
    flags = {word for line in re.findall(r"(?m)^flags\s*:(.*)$", info) for word in line.split()}
    features = {
        word for line in re.findall(r"(?m)^Features\s*:(.*)$", info) for word in line.split()
    }
    if features:
        words = ("asimd", "asimddp", "i8mm")
        return ok("processor", f"Arm with {', '.join(w for w in words if w in features)}")
    if not flags:
        return note("processor", f"{platform.machine()}: its instructions are not known here")
    if "avx2" not in flags:
        return warning(
            "processor",
            "no AVX2: engines take several times as long",
            "take a processor of 2015 or later; in a virtual machine give it the host's processor "
            "(-cpu host)",
        )
    names = {"avx512_vnni": "AVX512-VNNI", "avx_vnni": "AVX-VNNI", "amx_int8": "AMX"}
    fast = [name for flag, name in names.items() if flag in flags]
    if not fast:
        return note("processor", "AVX2, and no VNNI: INT8 is hardly faster than FP32")
    return ok("processor", f"AVX2 and {', '.join(fast)}: INT8 runs at full speed")


def _cores(machine: Machine) -> Iterator[Finding]:
    cores = (
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    )
    quota, _, period = (machine.text("sys/fs/cgroup/cpu.max") or "max").partition(" ")
    allowed = int(quota) / int(period) if quota.isdecimal() and period.isdecimal() else cores
    if allowed < cores:
        yield warning(
            "cores",
            f"{cores} cores are seen, but this container gets the time of {allowed:.1f}: threads "
            "wait for each other",
            f"run hsi-run --threads {max(1, int(allowed))}, or give whole cores (--cpuset-cpus)",
        )
        return
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    if load > cores:
        yield note("cores", f"{cores} cores, {load:.1f} programs on average want one", "see top")
    else:
        yield ok("cores", f"{cores} for this process, load {load:.1f}")


def _governor(machine: Machine) -> Iterator[Finding]:
    place = "sys/devices/system/cpu/cpu0/cpufreq"
    governor = machine.text(f"{place}/scaling_governor")
    # Drivers of Intel and AMD that choose for themselves call that powersave.
    chooses = (machine.text(f"{place}/scaling_driver") or "").endswith("pstate")
    if governor is None:
        return
    if governor == "powersave" and not chooses:
        yield warning(
            "processor clock",
            "the governor is powersave: the clock stays at its lowest",
            "run echo performance | sudo tee /sys/devices/system/cpu/cpu*/cpufreq/scaling_governor",
        )
    else:
        yield ok("processor clock", f"governor {governor}")


def _heat(machine: Machine) -> Iterator[Finding]:
    zones = [one.name for one in machine.entries("sys/class/thermal") if "zone" in one.name]
    found = [machine.number(f"sys/class/thermal/{zone}/temp") for zone in zones]
    hottest = max((value / 1000 for value in found if value is not None), default=None)
    if hottest is not None and hottest >= _HOT_C:
        yield warning(
            "temperature",
            f"{hottest:.0f} degrees Celsius: the clock will be lowered",
            "clean the fan, give the box more air",
        )
    elif hottest is not None:
        yield ok("temperature", f"{hottest:.0f} degrees Celsius at the hottest place")


def _memory(machine: Machine) -> Iterator[Finding]:
    found = re.search(r"(?m)^MemAvailable:\s*(\d+)", machine.text("proc/meminfo") or "")
    if found is None:
        return
    free = int(found[1])
    if free < _SCARCE_KIB:
        yield warning(
            "memory",
            f"{free >> 10} MiB are free: a 4K frame takes 1.5 GiB, a 1080p frame 0.4",
            "end other programs, or play smaller frames (hsi-run --size 1280x720)",
        )
    else:
        yield ok("memory", f"{free / 1048576:.1f} GiB free")
