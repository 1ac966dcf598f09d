"""Plans that are kept: taken, not taken, and built once by two processes that want one."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hsi.runtime.trt.device import Device
from hsi.runtime.trt.engine import TensorRtEngine
from tests.runtime.trt.fake_cuda import FakeCuda
from tests.runtime.trt.fake_tensorrt import FakeTensorRt
from tests.runtime.trt.surface import CUDA, TENSORRT

Play = Callable[..., Any]
SHAPE = (1, 96, 128, 3)


def test_a_plan_that_is_kept_is_not_built_again(
    newest: FakeTensorRt, opened: Callable[..., TensorRtEngine], play: Play
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
    newest_cuda: FakeCuda, opened: Callable[..., TensorRtEngine], play: Play
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
