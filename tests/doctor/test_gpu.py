from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from hsi.doctor import Level, Machine
from hsi.doctor import gpu as module
from hsi.doctor.child import tried
from hsi.doctor.gpu import gpu

VERSION = (
    "NVRM version: NVIDIA UNIX x86_64 Kernel Module  570.86.15  Thu Jan 23 2025\n"
    "GCC version:  gcc version 12.2.0"
)
CARD = {
    "sys/bus/pci/devices/0000:01:00.0/vendor": "0x10de",
    "sys/bus/pci/devices/0000:01:00.0/class": "0x030000",
}


@pytest.fixture(scope="module")
def without_device() -> list[dict[str, Any]]:
    """What the driver, if there is one, tells a process that may see no GPU."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CUDA_VISIBLE_DEVICES", "")
        return tried("device")


@pytest.mark.parametrize(
    ("files", "level", "text"),
    [
        ({}, Level.NOTE, "no NVIDIA GPU"),
        (CARD, Level.WARNING, "there is an NVIDIA GPU and no driver for it"),
        (
            {**CARD, "proc/driver/nvidia/version": VERSION},
            Level.FAULT,
            "the NVIDIA driver 570.86.15 runs, but this process has no GPU",
        ),
    ],
)
def test_a_gpu_out_of_reach_is_told_from_none(
    make_machine: Callable[..., Machine],
    monkeypatch: pytest.MonkeyPatch,
    without_device: list[dict[str, Any]],
    files: dict[str, str],
    level: Level,
    text: str,
) -> None:
    monkeypatch.setattr(module, "tried", lambda what: without_device)

    (found,) = gpu(make_machine(files))

    assert found.level is level
    assert found.text.startswith(text)
