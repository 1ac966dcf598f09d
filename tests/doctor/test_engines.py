from __future__ import annotations

from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import pytest

from hsi.doctor import Finding, Level, engines, libraries

Plant = Callable[[str, str], None]


@pytest.fixture
def one_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only ONNX Runtime is installed, so that a test tries no other."""
    monkeypatch.setattr(
        engines, "find_spec", lambda name: object() if name == "onnxruntime" else None
    )


def _by_subject(bundle: Path, *, device: bool = False) -> dict[str, Finding]:
    return {one.subject: one for one in engines.engines(bundle, device=device)}


def test_a_library_that_crashes_the_process_is_named(
    shipped: Path, plant: Plant, one_engine: None
) -> None:
    plant("onnxruntime", "import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)")

    found = _by_subject(shipped)

    assert found["engine onnxruntime-cpu"].level is Level.FAULT
    assert found["engine onnxruntime-cpu"].text.endswith("crashes the process with SIGSEGV")
    assert found["engines"].text == f"none runs {shipped.name} here"
    assert found["engine openvino"].mend == "run pip install 'hsi-edge[openvino]'"


def test_two_onnx_runtimes_are_a_fault(
    shipped: Path, plant: Plant, one_engine: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    plant("onnxruntime", "raise ImportError('half a library')")
    for name in ("onnxruntime", "onnxruntime_gpu"):
        (tmp_path / "site" / f"{name}-1.31.dist-info").mkdir()
        text = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.31\n"
        (tmp_path / "site" / f"{name}-1.31.dist-info" / "METADATA").write_text(text)
    monkeypatch.syspath_prepend(tmp_path / "site")

    found = _by_subject(shipped)["onnxruntime"]

    assert (found.level, found.text) == (
        Level.FAULT,
        "onnxruntime 1.31 and onnxruntime-gpu 1.31 are both installed and overwrite each other's "
        "files",
    )
    assert found.mend.startswith("run pip uninstall onnxruntime onnxruntime-gpu")


def test_an_engine_of_a_gpu_that_falls_back_is_a_fault(shipped: Path, one_engine: None) -> None:
    ort = pytest.importorskip("onnxruntime")
    if "CUDAExecutionProvider" in ort.get_available_providers():
        pytest.skip("this build of ONNX Runtime has CUDA")

    found = _by_subject(shipped, device=True)

    assert found["engine onnxruntime-cpu"].level is Level.OK
    assert found["engine onnxruntime-cuda"].level is Level.FAULT
    assert "onnxruntime-cuda is not in this build" in found["engine onnxruntime-cuda"].text
    assert found["engine tensorrt"].text == "not installed"


def test_several_opencvs_are_warned_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metadata, "version", lambda name: "5.0")

    (found,) = libraries.several_opencvs()

    assert found.level is Level.WARNING
    assert found.text.startswith("opencv-python and opencv-python-headless and ")
