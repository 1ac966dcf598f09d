"""TensorRT inside ONNX Runtime, as far as a machine without a GPU shows."""

from __future__ import annotations

import logging
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime as ort
import pytest

from hsi.runtime.bundle import Bundle
from hsi.runtime.engine import Engine, open_engine
from hsi.runtime.errors import EngineError
from hsi.runtime.trt import provider, session_maker
from hsi.runtime.trt.handover_engine import HandoverEngine
from hsi.runtime.trt.options import TensorRtOptions
from hsi.runtime.trt.session_maker import open_provider
from hsi.runtime.trt.session_runner import RECORD, check_assigned
from tests.runtime.trt.fake_providers import CPU, CUDA, DAMAGED, TENSORRT, FakeProviders, plugin

Image = npt.NDArray[np.uint8]
Play = Callable[..., Image]
Open = Callable[..., HandoverEngine]
SHAPE = (1, 96, 128, 3)
BOTH = ["onnxruntime-tensorrt", "onnxruntime-rtx"]


@pytest.fixture
def runtime(monkeypatch: pytest.MonkeyPatch, driver: Callable[..., str]) -> FakeProviders:
    """A machine with a GPU, and an ONNX Runtime with either provider."""
    fake = FakeProviders()
    monkeypatch.setattr("hsi.runtime.trt.device.LIBRARY", driver())
    monkeypatch.setattr(provider, "ort", fake)
    monkeypatch.setattr(provider, "REGISTERED", set())
    monkeypatch.setattr(session_maker, "ort", fake)
    monkeypatch.setitem(sys.modules, "onnxruntime_ep_nv_tensorrt_rtx", plugin())
    return fake


@pytest.fixture
def begin(bundle: Bundle, standby: Engine, options: TensorRtOptions) -> Open:
    """Open the shipped bundle on a provider, with ONNX Runtime on the CPU to stand by."""

    def opened(name: str, told: TensorRtOptions = options) -> HandoverEngine:
        resting = types.SimpleNamespace(
            name=standby.name,
            encode_style=standby.encode_style,
            stylize=standby.stylize,
            close=lambda: None,
        )
        return open_provider(name, bundle, lambda: resting, told)

    return opened


def built(begin: Open, name: str = BOTH[0], told: TensorRtOptions | None = None) -> HandoverEngine:
    """Open a provider, and wait until it is built."""
    engine = begin(name) if told is None else begin(name, told)
    engine.wait(SHAPE)
    return engine


@pytest.mark.parametrize("name", BOTH)
def test_frames_run_on_the_standby_until_the_session_is_built(
    runtime: FakeProviders, begin: Open, play: Play, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    engine = begin(name)
    first, names = play(engine), [engine.name]
    engine.wait(SHAPE)
    second = play(engine)
    names.append(engine.name)
    engine.close()

    assert names == ["onnxruntime-cpu", name]
    np.testing.assert_array_equal(first, second)
    assert f"{name}: building stylizer.onnx for 128x96 (128x96 to 156x118, 1 at on" in caplog.text
    assert f"{name}: runs from the next frame on" in caplog.messages


def test_it_is_built_for_a_range_of_sizes_as_the_graph_is_typed(
    runtime: FakeProviders, begin: Open, options: TensorRtOptions
) -> None:
    built(begin).close()

    (told,) = runtime.built
    least, best, most = (told[f"trt_profile_{end}_shapes"] for end in ("min", "opt", "max"))
    assert least.startswith("frame:1x96x128x3,style_code:1x")
    assert best == least
    assert most.startswith("frame:1x118x156x3,style_code:1x")
    assert least.endswith(",strength:1x1")
    assert told["trt_builder_optimization_level"] == "3"
    assert "trt_max_workspace_size" not in told


def test_scratch_memory_is_told_in_bytes(
    runtime: FakeProviders, begin: Open, tmp_path: Path
) -> None:
    for name in BOTH:
        built(begin, name, TensorRtOptions(cache_dir=tmp_path, workspace_mib=2)).close()

    tensorrt, rtx = runtime.built
    assert tensorrt["trt_max_workspace_size"] == rtx["nv_max_workspace_size"] == "2097152"


@pytest.mark.parametrize("name", BOTH)
def test_what_was_built_is_kept_closed_to_others_and_loaded_by_the_next_run(
    runtime: FakeProviders, begin: Open, name: str, options: TensorRtOptions
) -> None:
    built(begin, name).close()
    built(begin, name).close()

    assert (len(runtime.built), runtime.loaded) == (1, 1)
    assert options.cache_dir is not None
    folders = [options.cache_dir, *(one for one in options.cache_dir.rglob("*") if one.is_dir())]
    assert {one.stat().st_mode & 0o777 for one in folders} == {0o700}


def test_another_option_or_version_is_built_anew(
    runtime: FakeProviders, begin: Open, tmp_path: Path
) -> None:
    for level, version in ((3, "1.31"), (5, "1.31"), (5, "1.32")):
        runtime.__version__ = version
        told = TensorRtOptions(cache_dir=tmp_path / "plans", optimization_level=level)
        built(begin, told=told).close()

    assert (len(runtime.built), runtime.loaded) == (3, 0)


def test_what_was_kept_and_does_not_load_is_built_again(
    runtime: FakeProviders, begin: Open, options: TensorRtOptions, caplog: pytest.LogCaptureFixture
) -> None:
    built(begin).close()
    assert options.cache_dir is not None
    (kept,) = options.cache_dir.rglob("*.engine")
    kept.write_bytes(DAMAGED)

    built(begin).close()

    assert len(runtime.built) == 2
    assert "what was kept does not load, building it again: ONNX Runtime failed: " in caplog.text


def test_a_folder_that_others_may_write_to_is_not_used(
    runtime: FakeProviders, begin: Open, options: TensorRtOptions, caplog: pytest.LogCaptureFixture
) -> None:
    assert options.cache_dir is not None
    (options.cache_dir / "onnxruntime").mkdir(parents=True)
    (options.cache_dir / "onnxruntime").chmod(0o777)

    built(begin).close()

    assert "onnxruntime: others may write to it, so it is not used: run chmod 700" in caplog.text
    assert not [name for name in runtime.built[0] if "cache" in name]


@pytest.mark.parametrize("name", BOTH)
def test_a_provider_that_is_left_out_is_an_error_of_the_next_frame(
    runtime: FakeProviders, begin: Open, play: Play, build_ended: Callable[[], None], name: str
) -> None:
    runtime.runs = [CUDA, CPU]
    engine = begin(name)
    play(engine)
    build_ended()

    match = f"^engine {name} was asked for but ONNX Runtime fell back to CUDAExecutionProvider: "
    with pytest.raises(EngineError, match=match):
        play(engine)
    engine.close()


def test_a_provider_that_takes_no_node_is_an_error_though_it_is_named_first(
    runtime: FakeProviders, begin: Open
) -> None:
    runtime.left = -1
    engine = begin(BOTH[0])

    with pytest.raises(EngineError, match="fell back to CUDAExecutionProvider: check that Tens"):
        engine.wait(SHAPE)
    engine.close()


def test_nodes_that_a_provider_leaves_to_another_are_told(
    runtime: FakeProviders, begin: Open, caplog: pytest.LogCaptureFixture
) -> None:
    runtime.left = 2
    built(begin).close()

    (told,) = [line for line in caplog.messages if "run elsewhere" in line]
    assert told.startswith("engine onnxruntime-tensorrt runs ")
    assert "nodes, the others run elsewhere: 1 " in told and " on CUDAExecutionProvider" in told


def test_a_runtime_that_does_not_tell_where_nodes_run_is_taken(
    runtime: FakeProviders, begin: Open, play: Play, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    runtime.tells = False
    engine = built(begin)
    play(engine)
    engine.close()

    assert engine.name == BOTH[0]
    assert "does not tell what TensorrtExecutionProvider leaves to others" in caplog.text


def test_the_real_runtime_tells_where_nodes_run(bundle: Bundle) -> None:
    options = ort.SessionOptions()
    options.add_session_config_entry(RECORD, "1")
    session = ort.InferenceSession(bundle.read("stylizer.onnx"), options, providers=[CPU])

    check_assigned(session, CPU, "onnxruntime-cpu")
    with pytest.raises(EngineError, match=r"-rtx was asked for .* fell back to CPUExec"):
        check_assigned(session, TENSORRT, "onnxruntime-rtx")


def test_the_plug_in_is_registered_once(runtime: FakeProviders, begin: Open) -> None:
    for _ in range(2):
        begin("onnxruntime-rtx").close()

    assert runtime.registered == [("NvTensorRTRTXExecutionProvider", "plugin.so")]


def test_a_card_that_the_plug_in_does_not_take_is_one_line(
    runtime: FakeProviders, begin: Open
) -> None:
    runtime.cards = 0
    for _ in range(2):
        match = r"expected a card that TensorRT-RTX takes .* found none"
        with pytest.raises(EngineError, match=match):
            begin("onnxruntime-rtx")


def test_what_is_missing_is_named_with_what_installs_it(
    runtime: FakeProviders, begin: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime.available = [CPU]
    match = r"tensorrt is not in this build of .* has CPUExecutionProvider: install 'hsi-edge\[gpu,"
    with pytest.raises(EngineError, match=match):
        begin("onnxruntime-tensorrt")
    monkeypatch.setitem(sys.modules, "onnxruntime_ep_nv_tensorrt_rtx", None)
    match = r"package onnxruntime_ep_nv_tensorrt_rtx does not load: run pip install 'hsi-edge\[rtx"
    with pytest.raises(EngineError, match=match):
        begin("onnxruntime-rtx")
    old = types.SimpleNamespace(__version__="1.20.0")
    monkeypatch.setattr(provider, "ort", old)
    with pytest.raises(EngineError, match=r"expected ONNX Runtime 1\.24 or newer, .* found 1\.20"):
        begin("onnxruntime-rtx")


def test_a_plug_in_that_the_real_runtime_does_not_load_says_why(
    runtime: FakeProviders, begin: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(provider, "ort", ort)
    gone = plugin("/nowhere/plugin.so")
    monkeypatch.setitem(sys.modules, "onnxruntime_ep_nv_tensorrt_rtx", gone)

    with pytest.raises(EngineError, match=r"the plug-in does not load \(.*plugin\.so.*check NVI"):
        begin("onnxruntime-rtx")


@pytest.mark.parametrize("name", BOTH)
def test_where_there_is_no_driver_the_engine_asked_for_is_named(
    bundle: Bundle, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hsi.runtime.trt.device.LIBRARY", "libcuda.so.none")
    with pytest.raises(EngineError, match=f"^engine {name}: expected an NVIDIA driver, found no "):
        open_engine(bundle, name)


@pytest.mark.parametrize(("name", "extra"), [(BOTH[0], r"gpu,tensorrt"), (BOTH[1], "rtx")])
def test_a_missing_package_is_named_with_the_extra_of_the_engine(
    bundle: Bundle, name: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("session_maker", "plan_cache"):
        monkeypatch.delitem(sys.modules, f"hsi.runtime.trt.{module}")
    monkeypatch.setitem(sys.modules, "filelock", None)
    with pytest.raises(EngineError, match=rf"filelock is not installed: .*'hsi-edge\[{extra}\]'"):
        open_engine(bundle, name)


def test_the_real_runtime_knows_the_name() -> None:
    # That of the plug-in for RTX cards is the plug-in's own: ONNX Runtime 1.32 lists it no more.
    known: Any = ort.get_all_providers()
    assert TENSORRT in known
