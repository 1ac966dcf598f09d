"""The clocks that stamp frames."""

from __future__ import annotations

import ctypes
import time
from collections.abc import Iterator

from hsi.doctor.finding import Finding, fault, ok, warning
from hsi.doctor.machine import Machine

_EARLIEST = 1735689600  # 2025-01-01: this program is younger
_UNSYNCHRONISED = 0x0040  # STA_UNSYNC of adjtimex(2)
_SLOW_SOURCES = ("acpi_pm", "hpet", "jiffies")


def clocks(machine: Machine) -> Iterator[Finding]:
    """Whether time of day is right, and reading the clock cheap."""
    yield _time_of_day(time.time(), synchronised())
    source = machine.text("sys/devices/system/clocksource/clocksource0/current_clocksource")
    if source in _SLOW_SOURCES:
        yield warning(
            "clock source",
            f"the kernel counts with {source}, which takes a microsecond and more to read",
            "see what the kernel has against tsc (dmesg | grep -i tsc); in a virtual machine "
            "choose kvm-clock or tsc",
        )
    elif source is not None:
        yield ok("clock source", f"{source}, steps of {_step_ns()} ns")


def synchronised() -> bool | None:
    """Whether the kernel's clock follows a time server; None where the kernel does not tell."""
    try:
        adjust = ctypes.CDLL(None, use_errno=True).adjtimex
    except (OSError, AttributeError):
        return None
    status = (ctypes.c_long * 64)()  # struct timex, larger than it is; modes 0: only read
    if adjust(status) < 0:
        return None
    # long modes' word, offset, freq, maxerror, esterror, then the int status.
    return not status[5] & _UNSYNCHRONISED


def _time_of_day(now_s: float, follows: bool | None) -> Finding:
    day = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(now_s))
    mend = "run sudo timedatectl set-ntp true, or give the machine the address of a time server"
    if now_s < _EARLIEST:
        return fault("clock", f"it says {day}: certificates and file names go wrong", mend)
    if follows is False:
        text = f"{day}, and follows no time server: several machines' events cannot be compared"
        return warning("clock", text, mend)
    follow = "follows a time server" if follows else "nobody tells whether it follows a time server"
    return ok("clock", f"{day}, {follow}")


def _step_ns() -> int:
    return round(time.get_clock_info("monotonic").resolution * 1e9)
