from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hsi.doctor import Level, Machine, examination, examine


def test_a_machine_with_planted_faults_names_all_of_them(
    shipped: Path,
    tmp_path: Path,
    plant: Callable[[str, str], None],
    make_machine: Callable[..., Machine],
) -> None:
    pytest.importorskip("openvino", reason="the second engine is not installed")
    bundle = tmp_path / "line.hsi"
    data = bytearray(shipped.read_bytes())
    data[len(data) // 2] ^= 1
    bundle.write_bytes(data)
    plant("onnxruntime", "raise ImportError('libonnxruntime.so.1: cannot open shared object file')")
    machine = make_machine(
        {
            "sys/class/video4linux/video0/name": "HD Webcam",
            "proc/sys/net/core/rmem_max": "212992",
        }
    )

    found = {
        one.subject: one for one in examine(bundle=bundle, output=Path("/sys"), machine=machine)
    }

    faults = {subject for subject, one in found.items() if one.level is Level.FAULT}
    assert faults == {"bundle", "engine onnxruntime-cpu", "output folder", "camera 0"}
    assert "is not the one this bundle was written with" in found["bundle"].text
    assert "libonnxruntime.so.1: cannot open" in found["engine onnxruntime-cpu"].text
    assert "/sys cannot be written" in found["output folder"].text
    assert "HD Webcam: the kernel has it, but there is no /dev/video0" in found["camera 0"].text
    assert found["network buffer"].level is Level.WARNING
    assert found["engine openvino"].level is Level.OK
    for one in found.values():
        assert "\n" not in one.text + one.mend
        assert one.mend or one.level in (Level.OK, Level.NOTE)


def test_a_check_that_fails_itself_is_a_fault_and_not_an_end(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def broken(*words: Any, **options: Any) -> Any:
        raise ZeroDivisionError("no cores")

    monkeypatch.setattr(examination, "libraries", broken)
    monkeypatch.setattr(examination, "gpu", broken)
    monkeypatch.setattr(examination, "processor", broken)

    found = [*examine(output=tmp_path, machine=Machine(root=tmp_path))]

    broke = [one for one in found if one.level is Level.FAULT]
    assert [one.subject for one in broke] == ["libraries", "gpu", "processor"]
    assert broke[2].text == "could not be examined: ZeroDivisionError: no cores"
