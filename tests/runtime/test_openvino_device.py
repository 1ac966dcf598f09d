"""Intel's GPUs and NPUs, as far as a machine without them shows.

OpenVINO is the real one. Where a test has a device, the CPU plays it: it is listed and compiled for
under that name, and refuses what the device's documentation says that it refuses.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hsi.runtime.bundle import Bundle
from hsi.runtime.engine import open_engine
from hsi.runtime.errors import EngineError
from hsi.runtime.frame import Image
from hsi.runtime.openvino_device import DEVICES
from hsi.runtime.openvino_engine import OpenVinoEngine

openvino = pytest.importorskip("openvino")
Repack = Callable[..., Path]
OTHERS = [name for name in DEVICES if name != "openvino"]


class _Core:
    """OpenVINO with a GPU and an NPU, both of which the CPU plays."""

    listed = ("CPU", "GPU.0", "NPU")
    runs_on: list[str] | str | None = None  # what is not for the CPU; None: as it was compiled
    refused = ""  # a device that takes no graph
    compiled: list[tuple[str, dict[str, Any]]]  # device and settings, of each graph

    def __init__(self) -> None:
        self._real = _REAL()
        self.available_devices = list(self.listed)
        self.read_model = self._real.read_model
        self.get_property = self._real.get_property

    def import_model(self, data: bytes, device: str, settings: dict[str, Any]) -> _Compiled:
        raise RuntimeError("what another test has compiled is none of this one's")

    def compile_model(self, model: Any, device: str, settings: dict[str, Any]) -> _Compiled:
        if device == "NPU":
            assert not model.is_dynamic(), "an NPU takes graphs of one size alone"
            assert "INFERENCE_PRECISION_HINT" not in settings
        if device == self.refused:
            raise RuntimeError(f"not on {device}")
        type(self).compiled.append((device, settings))
        played = settings if device == "CPU" else {"INFERENCE_PRECISION_HINT": "f32"}
        runs = self.runs_on if self.runs_on and device != "CPU" else [device]
        return _Compiled(self._real.compile_model(model, "CPU", played), runs)


class _Compiled:
    def __init__(self, real: Any, runs: Any) -> None:
        self._runs = runs
        self.create_infer_request = real.create_infer_request
        self.release_memory = real.release_memory
        self.export_model = real.export_model

    def get_property(self, name: str) -> Any:
        assert name == "EXECUTION_DEVICES"
        return self._runs


_REAL = openvino.Core


@pytest.fixture
def core(monkeypatch: pytest.MonkeyPatch) -> type[_Core]:
    """A machine with both devices."""
    monkeypatch.setattr(_Core, "compiled", [], raising=False)
    monkeypatch.setattr(openvino, "Core", _Core)
    return _Core


@pytest.fixture(scope="module")
def play(shipped: Path, photo: Image) -> Callable[[Any], Image]:
    """Stylise a frame of 64x48 in some style."""
    frame = np.ascontiguousarray(photo[None, 100:148, 200:264])
    manifest = Bundle(shipped).manifest
    code = np.linspace(-1, 1, manifest.style_code_size, dtype=np.float32)[None]
    nothing = np.zeros((1, manifest.statistics_size), np.float32)
    zero, one = np.zeros((1, 1), np.float32), np.ones((1, 1), np.float32)

    def run(engine: Any) -> Image:
        out = np.empty_like(frame)
        engine.stylize(frame, code, nothing, zero, one, out)
        return out

    return run


@pytest.fixture(scope="module")
def wanted(shipped: Path, play: Callable[[Any], Image]) -> Image:
    """What the CPU makes of the frame."""
    return play(OpenVinoEngine(Bundle(shipped), 1))


@pytest.mark.parametrize("name", OTHERS)
def test_a_device_that_is_not_there_is_one_line_with_those_that_are(
    shipped: Path, name: str, monkeypatch: pytest.MonkeyPatch, core: type[_Core]
) -> None:
    monkeypatch.setattr(core, "listed", ("CPU",))
    device = DEVICES[name]

    with pytest.raises(EngineError) as caught:
        open_engine(Bundle(shipped), name)

    assert str(caught.value) == (
        f"engine {name}: expected a device {device.name}, OpenVINO found CPU: {device.needs}, or "
        "ask for --engine auto"
    )


@pytest.mark.parametrize("name", OTHERS)
def test_openvino_itself_does_not_list_what_is_not_there(shipped: Path, name: str) -> None:
    found = _REAL().available_devices
    if any(device.startswith(DEVICES[name].name) for device in found):
        pytest.skip("this machine has one")

    with pytest.raises(EngineError, match=f"expected a device {DEVICES[name].name}, OpenVINO f"):
        open_engine(Bundle(shipped), name)


@pytest.mark.parametrize("name", OTHERS)
def test_frames_run_on_the_device(
    shipped: Path, name: str, wanted: Image, core: type[_Core], play: Callable[[Any], Image]
) -> None:
    engine = open_engine(Bundle(shipped), name, threads=1)

    np.testing.assert_array_equal(play(engine), wanted)
    engine.close()

    assert engine.name == name
    ((device, settings),) = core.compiled
    assert device == DEVICES[name].name
    assert "INFERENCE_NUM_THREADS" not in settings


def test_styles_are_encoded_on_the_processor(
    shipped: Path, core: type[_Core], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(core, "refused", "CPU")
    engine = open_engine(Bundle(shipped), "openvino-npu", threads=1)

    with pytest.raises(EngineError, match=r"style_encoder\.onnx does not load: .* not on CPU"):
        engine.encode_style(np.zeros((1, 32, 32, 3), np.uint8))
    engine.close()


def test_what_a_graph_says_in_fp32_a_gpu_computes_in_fp32() -> None:
    def hint(engine: str, precision: str) -> str:
        return str(DEVICES[engine].settings(1, precision)["INFERENCE_PRECISION_HINT"])

    assert [hint("openvino-gpu", one) for one in ("fp32", "int8", "fp16")] == ["f32", "f32", "f16"]
    assert hint("openvino", "fp16") == "f32"  # which a CPU widens


def test_an_npu_says_that_it_computes_in_fp16(
    shipped: Path, core: type[_Core], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)

    open_engine(Bundle(shipped), "openvino-npu").close()

    assert "an NPU computes in FP16 what the graph says in FP32" in caplog.messages


def test_a_graph_that_runs_elsewhere_is_refused(
    shipped: Path,
    core: type[_Core],
    play: Callable[[Any], Image],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(core, "runs_on", ["GPU.0", "CPU"])
    engine = open_engine(Bundle(shipped), "openvino-gpu", threads=1)

    match = r"^engine openvino-gpu was asked for but OpenVINO fell back to GPU\.0, CPU: ask for"
    with pytest.raises(EngineError, match=match):
        play(engine)
    engine.close()


def test_openvino_tells_what_a_graph_runs_on(shipped: Path) -> None:
    model = _REAL().read_model(Bundle(shipped).read("stylizer.onnx"))
    found = _REAL().compile_model(model, "CPU").get_property("EXECUTION_DEVICES")

    DEVICES["openvino"].check_runs(found)
    DEVICES["openvino-npu"].check_runs("NPU")  # one device may be told as text
    with pytest.raises(EngineError, match="fell back to CPU: ask for --engine auto"):
        DEVICES["openvino-npu"].check_runs(found)
