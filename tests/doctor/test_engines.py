from __future__ import annotations

from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import pytest

from hsi.doctor import Finding, Level, Machine, engines, libraries
from hsi.doctor.finding import note, ok, warning
from hsi.runtime import ENGINES

Plant = Callable[[str, str], None]
NO_GPU = note("gpu", "no NVIDIA GPU is in this machine")
NO_DRIVER = warning("gpu", "there is an NVIDIA GPU and no driver for it", "install NVIDIA's driver")
GPU = ok("gpu", "one that is played")


@pytest.fixture
def one_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only ONNX Runtime is installed, so that a test tries no other."""
    monkeypatch.setattr(
        engines, "find_spec", lambda name: object() if name == "onnxruntime" else None
    )


def _by_subject(bundle: Path, *, gpu: Finding = NO_GPU) -> dict[str, Finding]:
    found = engines.engines(bundle, gpu=gpu, machine=Machine(root=Path("/nowhere")))
    return {one.subject: one for one in found}


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

    found = _by_subject(shipped, gpu=GPU)

    assert found["engine onnxruntime-cpu"].level is Level.OK
    assert found["engine onnxruntime-cuda"].level is Level.FAULT
    assert "onnxruntime-cuda is not in this build" in found["engine onnxruntime-cuda"].text
    assert found["engine tensorrt"].text == "not installed"
    assert found["engine onnxruntime-tensorrt"].level is Level.NOTE
    assert "is not in this build of ONNX Runtime" in found["engine onnxruntime-tensorrt"].text


@pytest.mark.parametrize("gpu", [NO_GPU, NO_DRIVER])
def test_every_engine_says_whether_it_runs_and_what_it_lacks(
    shipped: Path, gpu: Finding, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, ...]] = []

    def tried(*words: str) -> list[dict[str, object]]:
        asked.append(words)
        runs = {"version": "1.0", "precision": "fp32", "load_ms": 1.0, "test_ms": 1.0}
        return [{"devices": ["CPU"]} if words[0] == "openvino-devices" else runs]

    monkeypatch.setattr(engines, "find_spec", lambda name: object())
    monkeypatch.setattr(engines, "tried", tried)

    found = _by_subject(shipped, gpu=gpu)

    assert set(found) == {f"engine {name}" for name in ENGINES if name != "auto"}
    assert {words[1] for words in asked if words[0] == "engine"} == {"onnxruntime-cpu", "openvino"}
    # Where there is no device nothing is loaded that needs one: it may end the process.
    assert not [words for words in asked if words[0] == "built-engine"]
    for name in ("onnxruntime-cuda", "onnxruntime-tensorrt", "onnxruntime-rtx", "tensorrt"):
        assert found[f"engine {name}"] == note(
            f"engine {name}", f"cannot run: {gpu.text}", gpu.mend
        )
    assert found["engine openvino-gpu"].text == "cannot run: no Intel GPU is in this machine"
    assert found["engine openvino-npu"].text == "cannot run: no Intel NPU is in this machine"


def test_the_plug_in_for_rtx_cards_that_does_not_load_is_a_fault(
    shipped: Path, plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    plugin = "onnxruntime_ep_nv_tensorrt_rtx"
    lines = ("__version__ = '0.5'", "get_ep_name = lambda: 'Rtx'")
    plant(plugin, "\n".join((*lines, "get_library_path = lambda: '/nowhere/librtx.so'")))
    monkeypatch.setattr(engines, "find_spec", lambda name: object() if name == plugin else None)

    found = _by_subject(shipped, gpu=GPU)

    rtx = found["engine onnxruntime-rtx"]
    assert (rtx.level, rtx.mend[:34]) == (Level.FAULT, "run pip install 'hsi-edge[rtx]' in")
    assert rtx.text.startswith("does not load: engine onnxruntime-rtx: the plug-in does not load")
    assert found["engine onnxruntime-tensorrt"].text == "not installed"


def test_openvino_that_crashes_when_it_lists_devices_is_told_of_each(
    shipped: Path, plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant("openvino", "import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)")
    monkeypatch.setattr(engines, "find_spec", lambda name: object() if name == "openvino" else None)

    found = _by_subject(shipped)

    assert found["engine openvino"].level is Level.FAULT
    assert found["engine openvino-gpu"].level is Level.NOTE
    assert found["engine openvino-npu"].text == "cannot run: crashes the process with SIGSEGV"


def test_several_opencvs_are_warned_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metadata, "version", lambda name: "5.0")

    (found,) = libraries.several_opencvs()

    assert found.level is Level.WARNING
    assert found.text.startswith("opencv-python and opencv-python-headless and ")
