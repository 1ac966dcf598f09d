from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from hsi.runtime.errors import EngineError
from hsi.runtime.trt.ahead import build_ahead, check_builder
from hsi.runtime.trt.options import TensorRtOptions
from tests.runtime.trt.fake_tensorrt import FakeTensorRt


def test_a_plan_built_ahead_is_there_for_the_stream(
    machine: FakeTensorRt,
    shipped: Path,
    options: TensorRtOptions,
    caplog: pytest.LogCaptureFixture,
) -> None:
    for _ in range(2):
        build_ahead(shipped, (128, 96), options)

    assert options.cache_dir is not None
    assert [*options.cache_dir.rglob("*.plan")]
    assert caplog.text.count("tensorrt: built in") == 1  # the second finds it
    assert "ran no frame" not in caplog.text
    assert machine.cuda.live == 0


def test_a_build_ahead_that_fails_is_an_error(
    machine: FakeTensorRt, shipped: Path, options: TensorRtOptions
) -> None:
    machine.fails = "build"

    with pytest.raises(EngineError, match="did not build the graph for 128x96"):
        build_ahead(shipped, (128, 96), options)


def test_a_machine_without_a_gpu_is_told_before_anything_is_loaded(
    machine: FakeTensorRt, driver: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    check_builder()
    monkeypatch.setattr("hsi.runtime.trt.device.LIBRARY", driver(count=0))
    monkeypatch.setitem(sys.modules, "tensorrt", None)

    with pytest.raises(EngineError, match="expected a GPU, found a driver without one"):
        check_builder()
