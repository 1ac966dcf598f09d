from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path

import pytest

from hsi.doctor import Machine
from hsi.doctor.intel import lack

GPU, NPU = "openvino-gpu", "openvino-npu"
CARD = {
    "sys/bus/pci/devices/0000:00:02.0/vendor": "0x8086",
    "sys/bus/pci/devices/0000:00:02.0/class": "0x030000",
    "sys/bus/pci/devices/0000:00:0b.0/vendor": "0x8086",
    "sys/bus/pci/devices/0000:00:0b.0/class": "0x120000",
}
LISTED = {
    **CARD,
    "sys/class/drm/renderD128/device/vendor": "0x8086",
    "sys/class/accel/accel0/device/vendor": "0x8086",
}
FILES = {"dev/dri/renderD128": "", "dev/accel/accel0": ""}
OTHERS = {
    "sys/bus/pci/devices/0000:01:00.0/vendor": "0x1002",
    "sys/bus/pci/devices/0000:01:00.0/class": "0x030000",
    "sys/class/drm/renderD129/device/vendor": "0x1002",
}


@pytest.mark.parametrize(
    ("files", "engine", "text", "mend"),
    [
        ({}, GPU, "no Intel GPU is in this machine", ""),
        (OTHERS, GPU, "no Intel GPU is in this machine", ""),
        ({}, NPU, "no Intel NPU is in this machine", ""),
        (CARD, GPU, "there is an Intel GPU and no driver of the kernel for it", "i915 or xe"),
        (CARD, NPU, "there is an Intel NPU and no driver of the kernel for it", "intel_vpu"),
        (LISTED, GPU, "there is an Intel GPU, but no /dev/dri/renderD128", "--device /dev/dri"),
        (LISTED, NPU, "there is an Intel NPU, but no /dev/accel/accel0", "--device /dev/accel"),
        ({**LISTED, **FILES}, GPU, "there is an Intel GPU, and OpenVINO has no driver", "the one"),
        ({**LISTED, **FILES}, NPU, "there is an Intel NPU, and OpenVINO has no driver", "the one"),
    ],
)
def test_a_device_that_openvino_does_not_find_lacks_one_thing(
    make_machine: Callable[..., Machine], files: dict[str, str], engine: str, text: str, mend: str
) -> None:
    found = lack(engine, make_machine(files), "install the one of Intel")

    assert found[0].startswith(text)
    assert mend in found[1]
    assert bool(mend) == bool(found[1])


@pytest.mark.parametrize("engine", [GPU, NPU])
def test_a_device_that_this_user_may_not_open_is_told(
    open_folder: Path,
    without_rights: Callable[[], contextlib.AbstractContextManager[None]],
    engine: str,
) -> None:
    for name, text in {**LISTED, **FILES}.items():
        path = open_folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o600 if name in FILES else 0o644)

    with without_rights():
        text, mend = lack(engine, Machine(root=open_folder), "")

    assert "but no permission to open /dev/" in text
    assert mend.startswith("run sudo usermod -aG render $USER")
