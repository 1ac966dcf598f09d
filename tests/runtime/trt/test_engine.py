"""What runs, from the first frame to the plan: hits, misses, failures, two processes at once."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import hsi.runtime
from hsi.runtime.bundle import Bundle
from hsi.runtime.engine import Engine, open_engine
from hsi.runtime.errors import EngineError, QualityError
from hsi.runtime.trt.device import Device
from hsi.runtime.trt.engine import TensorRtEngine
from hsi.runtime.trt.options import TensorRtOptions
from hsi.runtime.trt.plan_engine import PlanEngine
from hsi.runtime.trt.plan_maker import PlanMaker
from tests.runtime.trt.fake_cuda import FakeCuda
from tests.runtime.trt.fake_tensorrt import FakeTensorRt
from tests.runtime.trt.surface import CUDA, TENSORRT

Image = npt.NDArray[np.uint8]
SHAPE = (1, 96, 128, 3)


class Standby:
    """Another engine, whose closing is seen."""

    def __init__(self, engine: Engine) -> None:
        self.name = engine.name
        self.encode_style = engine.encode_style
        self.stylize = engine.stylize
        self.closed = False

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def options(tmp_path: Path) -> TensorRtOptions:
    return TensorRtOptions(cache_dir=tmp_path / "plans")


@pytest.fixture
def opened(
    bundle: Bundle, standby: Engine, device: Device, options: TensorRtOptions
) -> Callable[..., TensorRtEngine]:
    def make(tensorrt: FakeTensorRt, device: Device = device, **more: Any) -> TensorRtEngine:
        told = replace(options, **more)
        maker = PlanMaker(tensorrt.module, tensorrt.cuda.module, device, bundle, told)
        return TensorRtEngine(bundle, Standby(standby), maker, told)

    return make


@pytest.fixture
def play(bundle: Bundle, photo: Image) -> Callable[..., Image]:
    code: list[Any] = []

    def run(engine: Engine, shape: tuple[int, ...] = SHAPE) -> Image:
        if not code:
            style = bundle.read_picture("golden/style.png")[np.newaxis]
            code.append(engine.encode_style(style))
        frames = np.ascontiguousarray(photo[np.newaxis, : shape[1], : shape[2]])
        out = np.empty_like(frames)
        nothing = np.zeros((1, bundle.manifest.statistics_size), np.float32)
        one = np.ones((1, 1), np.float32)
        engine.stylize(frames, code[0], nothing, 0 * one, one, out)
        return out

    return run


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
    assert "takes minutes the first time; onnxruntime-cpu runs meanwhile" in caplog.text
    assert "tensorrt: runs from the next frame on" in caplog.text
    assert tensorrt.cuda.live == 0


def test_a_plan_that_is_kept_is_not_built_again(
    newest: FakeTensorRt, opened: Callable[..., TensorRtEngine], play: Callable[..., Image]
) -> None:
    for _ in range(2):
        engine = opened(newest)
        engine.wait(SHAPE)
        play(engine)
        assert engine.name == "tensorrt"
        engine.close()

    assert len(newest.builds) == 1


def test_a_second_build_starts_from_the_timings_of_the_first(
    newest: FakeTensorRt, opened: Callable[..., TensorRtEngine]
) -> None:
    for level in (3, 4):
        engine = opened(newest, optimization_level=level)
        engine.wait(SHAPE)
        engine.close()

    assert [build["timings"] for build in newest.builds] == [b"", b"t"]


def test_a_plan_of_another_gpu_is_built_anew_and_the_log_says_why(
    newest: FakeTensorRt,
    opened: Callable[..., TensorRtEngine],
    device: Device,
    caplog: pytest.LogCaptureFixture,
) -> None:
    for name in ("Fake GPU", "Faker GPU"):
        newest.gpu = name
        engine = opened(newest, device=replace(device, name=name))
        engine.wait(SHAPE)
        engine.close()

    assert len(newest.builds) == 2
    assert "does not fit: built for gpu Fake GPU, here Faker GPU" in caplog.text


def test_a_plan_that_does_not_load_after_all_is_built_anew(
    newest: FakeTensorRt,
    opened: Callable[..., TensorRtEngine],
    caplog: pytest.LogCaptureFixture,
) -> None:
    engine = opened(newest)
    engine.wait(SHAPE)
    engine.close()
    newest.gpu = "changed unseen"  # as after a firmware update that no key tells of

    engine = opened(newest)
    engine.wait(SHAPE)
    engine.close()

    assert len(newest.builds) == 2
    assert "the plan kept does not load, building it again" in caplog.text


def test_a_version_compatible_plan_runs_on_the_next_major(
    newest_cuda: FakeCuda, opened: Callable[..., TensorRtEngine], play: Callable[..., Image]
) -> None:
    older, newer = FakeTensorRt(TENSORRT[0], newest_cuda), FakeTensorRt(TENSORRT[-1], newest_cuda)
    for tensorrt in (older, newer):
        engine = opened(tensorrt, version_compatible=True)
        engine.wait(SHAPE)
        play(engine)
        assert engine.name == "tensorrt"
        engine.close()

    assert (len(older.builds), len(newer.builds)) == (1, 0)


def test_a_plan_that_is_not_version_compatible_is_built_anew_for_another_version(
    newest_cuda: FakeCuda,
    opened: Callable[..., TensorRtEngine],
    caplog: pytest.LogCaptureFixture,
) -> None:
    older, newer = FakeTensorRt(TENSORRT[0], newest_cuda), FakeTensorRt(TENSORRT[-1], newest_cuda)
    for tensorrt in (older, newer):
        engine = opened(tensorrt)
        engine.wait(SHAPE)
        engine.close()

    assert (len(older.builds), len(newer.builds)) == (1, 1)
    assert "built for tensorrt 10.3.0, here 11.4.0" in caplog.text


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
    caplog: pytest.LogCaptureFixture,
) -> None:
    at_work, may_go_on, steps = threading.Event(), threading.Event(), []

    def at_step(step: int) -> None:
        steps.append(step)
        at_work.set()
        may_go_on.wait(60)

    newest.at_step = at_step
    engine = opened(newest)
    play(engine)
    assert at_work.wait(60)
    closing = threading.Thread(target=engine.close)
    closing.start()
    while not engine._cancel.is_set():
        pass
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
    machine: FakeTensorRt, photo: Image, options: TensorRtOptions, caplog: pytest.LogCaptureFixture
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


BUILD = """
import json, sys, threading
sys.path.append(sys.argv[3])
from hsi.runtime.bundle import Bundle
from hsi.runtime.engine import open_engine
from hsi.runtime.trt.device import Device
from hsi.runtime.trt.engine import TensorRtEngine
from hsi.runtime.trt.options import TensorRtOptions
from hsi.runtime.trt.plan_maker import PlanMaker
from pathlib import Path
from tests.runtime.trt.fake_cuda import FakeCuda
from tests.runtime.trt.fake_tensorrt import FakeTensorRt
bundle, options = Bundle(sys.argv[1]), TensorRtOptions(cache_dir=Path(sys.argv[2]))
tensorrt = FakeTensorRt(sys.argv[4], FakeCuda(sys.argv[5]))
tensorrt.at_step = lambda step: threading.Event().wait(0.3)
device = Device(name="Fake GPU", compute_capability="8.9", driver="13.1")
maker = PlanMaker(tensorrt.module, tensorrt.cuda.module, device, bundle, options)
engine = TensorRtEngine(bundle, open_engine(bundle, "onnxruntime-cpu", 1), maker, options)
print("ready", flush=True)
sys.stdin.readline()
engine.wait((1, 96, 128, 3))
engine.close()
print(json.dumps([len(tensorrt.builds), tensorrt.cuda.live]))
"""


def test_two_processes_that_want_one_plan_build_it_once(shipped: Path, tmp_path: Path) -> None:
    root = Path(__file__).resolve().parents[3]
    words = [str(shipped), str(tmp_path / "plans"), str(root), TENSORRT[0], CUDA[0]]
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", BUILD, *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    results: list[list[int]] = []
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        out, _ = process.communicate(timeout=120)
        results.append(json.loads(out))

    assert sorted(results) == [[0, 0], [1, 0]]


def build_ended() -> None:
    """Wait for the build underway, if there is one."""
    for thread in threading.enumerate():
        if thread.name == "tensorrt-build":
            thread.join(60)


def void(value: object) -> None:
    """Nothing, whatever came."""
