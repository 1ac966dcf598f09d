"""What runs, from the first frame to the plan, and where a build fails or is not finished."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import hsi.runtime
from hsi.runtime.bundle import Bundle
from hsi.runtime.engine import open_engine
from hsi.runtime.errors import EngineError, QualityError
from hsi.runtime.trt.engine import TensorRtEngine
from hsi.runtime.trt.options import TensorRtOptions
from hsi.runtime.trt.plan_engine import PlanEngine
from tests.runtime.trt.fake_tensorrt import FakeTensorRt

Image = npt.NDArray[np.uint8]
SHAPE = (1, 96, 128, 3)


def test_frames_run_on_the_standby_until_the_plan_is_built_and_on_it_from_then_on(
    tensorrt: FakeTensorRt,
    opened: Callable[..., TensorRtEngine],
    play: Callable[..., Image],
    caplog: pytest.LogCaptureFixture,
) -> None:
    may_go_on = threading.Event()
    tensorrt.at_step = lambda step: void(may_go_on.wait(60))
    engine = opened(tensorrt)

    pictures, names = [play(engine)], [engine.name]
    may_go_on.set()
    engine.wait(SHAPE)
    pictures.append(play(engine))
    names.append(engine.name)
    engine.close()

    assert names == ["onnxruntime-cpu", "tensorrt"]
    np.testing.assert_array_equal(pictures[0], pictures[1])
    assert "which takes minutes: onnxruntime-cpu runs meanwhile" in caplog.text
    assert "tensorrt: runs from the next frame on" in caplog.text
    assert tensorrt.cuda.live == 0


def test_a_build_that_fails_is_raised_by_the_next_frame(
    newest: FakeTensorRt, opened: Callable[..., TensorRtEngine], play: Callable[..., Image]
) -> None:
    newest.fails = "build"
    engine = opened(newest)

    with pytest.raises(EngineError, match=r"TensorRT 11\.4\.0 did not build the graph for 128x96"):
        engine.wait(SHAPE)
    with pytest.raises(EngineError, match="did not build the graph"):
        play(engine)
    engine.close()


def test_a_build_that_fails_after_the_last_frame_is_told_in_the_log(
    newest: FakeTensorRt,
    opened: Callable[..., TensorRtEngine],
    play: Callable[..., Image],
    build_ended: Callable[[], None],
    caplog: pytest.LogCaptureFixture,
) -> None:
    newest.fails = "build"
    engine = opened(newest)
    play(engine)
    build_ended()
    engine.close()

    assert caplog.text.count("did not build the graph") == 1


def test_closing_ends_a_build_and_leaves_nothing_behind(
    newest: FakeTensorRt,
    opened: Callable[..., TensorRtEngine],
    play: Callable[..., Image],
    options: TensorRtOptions,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    at_work, may_go_on, steps = threading.Event(), threading.Event(), []

    def at_step(step: int) -> None:
        steps.append(step)
        at_work.set()
        may_go_on.wait(60)

    monkeypatch.setattr("hsi.runtime.trt.handover_engine.PATIENCE_S", 0.01)
    newest.at_step = at_step
    engine = opened(newest)
    play(engine)
    assert at_work.wait(60)
    closing = threading.Thread(target=engine.close)
    closing.start()
    while "waiting for the builder's step" not in caplog.text:
        assert closing.is_alive() and not may_go_on.wait(0.01)
    may_go_on.set()
    closing.join(60)

    assert steps == [0]
    assert options.cache_dir is not None
    assert {path.suffix for path in options.cache_dir.iterdir()} <= {".lock"}
    assert "tensorrt was asked for and ran no frame: the run was over before" in caplog.text


def test_an_engine_that_gives_another_picture_does_not_run(
    newest: FakeTensorRt,
    opened: Callable[..., TensorRtEngine],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def spoilt(engine: Any, *given: Any) -> Any:
        used = stylize(engine, *given)
        given[-1][...] ^= 255
        return used

    stylize = PlanEngine.stylize
    monkeypatch.setattr(PlanEngine, "stylize", spoilt)
    engine = opened(newest)

    with pytest.raises(QualityError, match="self-test failed on tensorrt"):
        engine.wait(SHAPE)
    engine.close()

    assert newest.cuda.live == 0


def test_the_golden_picture_is_no_reason_to_build(
    newest: FakeTensorRt, opened: Callable[..., TensorRtEngine], play: Callable[..., Image]
) -> None:
    engine = opened(newest)
    play(engine, (1, 118, 156, 3))

    assert engine.name == "onnxruntime-cpu"
    engine.close()
    assert newest.builds == []


def test_a_larger_frame_gets_a_plan_of_its_own_and_a_smaller_one_none(
    newest: FakeTensorRt, opened: Callable[..., TensorRtEngine], play: Callable[..., Image]
) -> None:
    engine = opened(newest)
    for shape in ((1, 200, 256, 3), (1, 150, 200, 3), (1, 220, 300, 3)):
        engine.wait(shape)
        play(engine, shape)
        assert engine.name == "tensorrt"
    engine.close()

    most = [build["profiles"][0]["frame"][2] for build in newest.builds]
    assert most == [[1, 200, 256, 3], [1, 220, 300, 3]]
    assert newest.cuda.live == 0


def test_sizes_asked_for_are_in_the_plan(
    newest: FakeTensorRt, opened: Callable[..., TensorRtEngine]
) -> None:
    engine = opened(newest, min_size=(64, 64), max_size=(640, 480))
    engine.wait(SHAPE)
    engine.close()

    (shapes,) = newest.builds[0]["profiles"]
    assert shapes["frame"] == [[1, 64, 64, 3], [1, 96, 128, 3], [1, 480, 640, 3]]


def test_a_closed_engine_says_so(
    newest: FakeTensorRt, opened: Callable[..., TensorRtEngine], play: Callable[..., Image]
) -> None:
    engine = opened(newest)
    engine.close()

    with pytest.raises(EngineError, match="this engine is closed: open the bundle again"):
        engine.wait(SHAPE)


def test_load_opens_it_by_name_and_says_what_runs(
    machine: FakeTensorRt,
    photo: Image,
    options: TensorRtOptions,
    build_ended: Callable[[], None],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    frame = np.ascontiguousarray(photo[:96, :128])

    with hsi.runtime.load(engine="tensorrt", threads=1, tensorrt=options) as stylizer:
        names = [stylizer.engine_name]
        first = stylizer(frame)
        build_ended()
        second = stylizer(frame)
        names.append(stylizer.engine_name)

    assert names[1] == "tensorrt" != names[0]
    np.testing.assert_allclose(first, second, atol=1)
    assert (
        "TensorRT 11.4.0 on Fake GPU, compute capability 8.9, driver for CUDA 13.1" in caplog.text
    )
    assert machine.cuda.live == 0


def test_no_object_of_tensorrt_is_made_where_there_is_no_device(
    machine: FakeTensorRt,
    bundle: Bundle,
    driver: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("hsi.runtime.trt.device.LIBRARY", driver(count=0))
    monkeypatch.setitem(sys.modules, "tensorrt", None)  # not so much as imported

    with pytest.raises(EngineError, match="expected a GPU, found a driver without one"):
        open_engine(bundle, "tensorrt")


def void(value: object) -> None:
    """Nothing, whatever came."""
