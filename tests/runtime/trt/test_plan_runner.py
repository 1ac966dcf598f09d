"""Plans run through CUDA's streams: pictures are right, and everything is given back."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from hsi.runtime.bundle import Bundle
from hsi.runtime.engine import Engine
from hsi.runtime.errors import EngineError
from hsi.runtime.trt.build_progress import BuildProgress
from hsi.runtime.trt.builder import build_plan
from hsi.runtime.trt.options import TensorRtOptions
from hsi.runtime.trt.plan_engine import PlanEngine
from hsi.runtime.trt.plan_runner import PlanRunner
from hsi.runtime.trt.profile import profile_for
from tests.runtime.trt.fake_cuda import FakeCuda
from tests.runtime.trt.fake_tensorrt import FakeTensorRt
from tests.runtime.trt.surface import TENSORRT

Image = npt.NDArray[np.uint8]
PROFILE = profile_for((1, 96, 128, 3), (64, 64), most=(160, 128))


@pytest.fixture
def plan(bundle: Bundle) -> Callable[[FakeTensorRt], bytes]:
    def make(tensorrt: FakeTensorRt) -> bytes:
        graph = bundle.manifest.stylizer
        inputs = {one.name: one.shape for one in graph.inputs}
        with BuildProgress("", threading.Event()) as progress:
            return build_plan(
                tensorrt.module,
                bundle.read(graph.part),
                inputs,
                PROFILE,
                TensorRtOptions(),
                progress,
            ).plan

    return make


@pytest.fixture
def open_plan(
    bundle: Bundle, standby: Engine, plan: Callable[[FakeTensorRt], bytes]
) -> Callable[[FakeTensorRt], PlanEngine]:
    def make(tensorrt: FakeTensorRt) -> PlanEngine:
        runner = PlanRunner(tensorrt.module, tensorrt.cuda.module, plan(tensorrt))
        return PlanEngine(runner, bundle.manifest.stylizer, standby)

    return make


def batch(bundle: Bundle, standby: Engine, frames: Image) -> dict[str, Any]:
    codes = standby.encode_style(bundle.read_picture("golden/style.png")[np.newaxis])
    count = len(frames)
    return {
        "frames": frames,
        "codes": np.repeat(codes, count, axis=0),
        "statistics": np.zeros((count, bundle.manifest.statistics_size), np.float32),
        "statistics_weight": np.zeros((count, 1), np.float32),
        "strength": np.ones((count, 1), np.float32),
        "out": np.empty_like(frames),
    }


def cut(photo: Image, x: int, size: tuple[int, int] = (128, 96)) -> Image:
    return np.ascontiguousarray(photo[np.newaxis, : size[1], x : x + size[0]])


def test_each_version_gives_the_pictures_of_onnx_runtime(
    tensorrt: FakeTensorRt,
    bundle: Bundle,
    standby: Engine,
    photo: Image,
    open_plan: Callable[[FakeTensorRt], PlanEngine],
) -> None:
    engine = open_plan(tensorrt)

    for x in (0, 100, 200):
        given, wanted = (batch(bundle, standby, cut(photo, x)) for _ in range(2))
        used = engine.stylize(**given)
        np.testing.assert_allclose(used, standby.stylize(**wanted), rtol=1e-5)
        np.testing.assert_array_equal(given["out"], wanted["out"])
    engine.close()

    assert tensorrt.cuda.live == 0


def test_each_version_of_cuda_runs_and_gives_everything_back(
    cuda: FakeCuda,
    bundle: Bundle,
    standby: Engine,
    photo: Image,
    open_plan: Callable[[FakeTensorRt], PlanEngine],
) -> None:
    engine = open_plan(FakeTensorRt(TENSORRT[0], cuda))
    given, wanted = (batch(bundle, standby, cut(photo, 50)) for _ in range(2))

    engine.stylize(**given)
    standby.stylize(**wanted)
    engine.close()

    np.testing.assert_array_equal(given["out"], wanted["out"])
    assert cuda.live == 0


def test_from_the_second_frame_on_a_graph_is_launched(
    newest: FakeTensorRt,
    bundle: Bundle,
    standby: Engine,
    photo: Image,
    open_plan: Callable[[FakeTensorRt], PlanEngine],
) -> None:
    engine = open_plan(newest)

    launches = []
    for x in (0, 1, 2):
        engine.stylize(**batch(bundle, standby, cut(photo, x)))
        launches.append(newest.cuda.launches)
    engine.close()

    assert launches == [0, 1, 2]
    assert engine.compute_ms == 1.5


def test_where_nothing_can_be_recorded_kernels_are_launched_one_by_one(
    newest: FakeTensorRt,
    bundle: Bundle,
    standby: Engine,
    photo: Image,
    open_plan: Callable[[FakeTensorRt], PlanEngine],
) -> None:
    newest.cuda.no_capture = True
    engine = open_plan(newest)

    for x in (0, 100):
        given, wanted = (batch(bundle, standby, cut(photo, x)) for _ in range(2))
        engine.stylize(**given)
        standby.stylize(**wanted)
        np.testing.assert_array_equal(given["out"], wanted["out"])
    engine.close()

    assert newest.cuda.launches == 0
    assert newest.cuda.live == 0


def test_shapes_take_turns_and_the_oldest_is_given_back(
    newest: FakeTensorRt,
    bundle: Bundle,
    standby: Engine,
    photo: Image,
    open_plan: Callable[[FakeTensorRt], PlanEngine],
) -> None:
    engine, live = open_plan(newest), []

    for size in ((128, 96), (64, 64), (160, 128), (128, 96)):
        given, wanted = (batch(bundle, standby, cut(photo, 0, size)) for _ in range(2))
        engine.stylize(**given)
        standby.stylize(**wanted)
        np.testing.assert_array_equal(given["out"], wanted["out"])
        live.append(newest.cuda.live)
    engine.close()

    assert live[1] == live[2] == live[3]
    assert newest.cuda.live == 0


def test_frames_of_several_threads_do_not_mix(
    newest: FakeTensorRt,
    bundle: Bundle,
    standby: Engine,
    photo: Image,
    open_plan: Callable[[FakeTensorRt], PlanEngine],
) -> None:
    engine = open_plan(newest)
    batches = [batch(bundle, standby, cut(photo, 20 * n)) for n in range(8)]
    wanted = [batch(bundle, standby, cut(photo, 20 * n)) for n in range(8)]

    threads = [threading.Thread(target=engine.stylize, kwargs=one) for one in batches]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    engine.close()

    for given, right in zip(batches, wanted, strict=True):
        standby.stylize(**right)
        np.testing.assert_array_equal(given["out"], right["out"])
    assert newest.cuda.live == 0


def test_a_shape_outside_the_plan_is_refused(
    newest: FakeTensorRt,
    bundle: Bundle,
    standby: Engine,
    photo: Image,
    open_plan: Callable[[FakeTensorRt], PlanEngine],
) -> None:
    engine = open_plan(newest)

    match = r"TensorRT refuses frame of shape \(1, 200, 128, 3\): expected one within its plan"
    with pytest.raises(EngineError, match=match):
        engine.stylize(**batch(bundle, standby, cut(photo, 0, (128, 200))))
    engine.close()

    assert newest.cuda.live == 0


def test_too_little_memory_is_said_with_what_to_do(
    newest: FakeTensorRt,
    bundle: Bundle,
    standby: Engine,
    photo: Image,
    open_plan: Callable[[FakeTensorRt], PlanEngine],
) -> None:
    engine = open_plan(newest)
    newest.cuda.short_of_memory = True

    with pytest.raises(EngineError, match=r"out of memory: use smaller frames \(--size\)"):
        engine.stylize(**batch(bundle, standby, cut(photo, 0)))
    engine.close()

    assert newest.cuda.live == 0


def test_a_plan_that_does_not_load_is_refused(
    newest: FakeTensorRt, plan: Callable[[FakeTensorRt], bytes]
) -> None:
    newest.fails = "runtime"

    with pytest.raises(EngineError, match="TensorRT made no engine of the plan: see its messages"):
        PlanRunner(newest.module, newest.cuda.module, plan(newest))

    assert newest.cuda.live == 0
