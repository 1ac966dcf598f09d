"""TensorRT, CUDA and the driver as fakes, in each version there is a surface of."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from hsi.runtime.bundle import Bundle
from hsi.runtime.engine import Engine, open_engine
from hsi.runtime.trt.device import Device
from hsi.runtime.trt.engine import TensorRtEngine
from hsi.runtime.trt.options import TensorRtOptions
from hsi.runtime.trt.plan_maker import PlanMaker
from tests.runtime.trt.fake_cuda import FakeCuda
from tests.runtime.trt.fake_tensorrt import FakeTensorRt
from tests.runtime.trt.surface import CUDA, TENSORRT

Image = npt.NDArray[np.uint8]
SHAPE = (1, 96, 128, 3)
DRIVER = """
#include <string.h>
int cuInit(unsigned flags) { return INIT; }
int cuDriverGetVersion(int *version) { *version = 13010; return 0; }
int cuDeviceGetCount(int *count) { *count = COUNT; return 0; }
int cuDeviceGet(int *device, int number) { *device = number; return 0; }
int cuDeviceGetName(char *name, int size, int device) { strncpy(name, "Fake GPU", size); return 0; }
int cuDeviceComputeCapability(int *major, int *minor, int device) {
  *major = 8; *minor = 9; return 0;
}
"""


@pytest.fixture
def driver(tmp_path: Path) -> Callable[..., str]:
    """Build a driver's library that finds as many devices as told, or refuses to start."""
    if shutil.which("gcc") is None:
        pytest.skip("there is no C compiler")

    def make(count: int = 1, refusal: int = 0) -> str:
        source, library = tmp_path / "driver.c", tmp_path / f"driver-{count}-{refusal}.so"
        source.write_text(DRIVER)
        told = [f"-DCOUNT={count}", f"-DINIT={refusal}"]
        command = ["gcc", "-shared", "-fPIC", *told, "-o", str(library), str(source)]
        subprocess.run(command, check=True)
        return str(library)

    return make


@pytest.fixture(params=CUDA)
def cuda(request: pytest.FixtureRequest) -> FakeCuda:
    """CUDA in each version."""
    return FakeCuda(request.param)


@pytest.fixture
def newest_cuda() -> FakeCuda:
    """CUDA where its version is nothing to the test."""
    return FakeCuda(CUDA[-1])


@pytest.fixture(params=TENSORRT)
def tensorrt(request: pytest.FixtureRequest, newest_cuda: FakeCuda) -> FakeTensorRt:
    """TensorRT in each version."""
    return FakeTensorRt(request.param, newest_cuda)


@pytest.fixture
def newest(newest_cuda: FakeCuda) -> FakeTensorRt:
    """TensorRT where its version is nothing to the test."""
    return FakeTensorRt(TENSORRT[-1], newest_cuda)


@pytest.fixture
def device() -> Device:
    """The fakes' GPU."""
    return Device(name="Fake GPU", compute_capability="8.9", driver="13.1")


@pytest.fixture(scope="session")
def bundle(shipped: Path) -> Bundle:
    """The shipped bundle."""
    return Bundle(shipped)


@pytest.fixture(scope="session")
def standby(bundle: Bundle) -> Iterator[Engine]:
    """ONNX Runtime on one thread. No test may close it."""
    engine = open_engine(bundle, "onnxruntime-cpu", threads=1)
    yield engine
    engine.close()


@pytest.fixture
def machine(
    newest: FakeTensorRt, driver: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> FakeTensorRt:
    """A machine with a GPU, TensorRT and CUDA, as far as imports and the driver go.

    What stands by is ONNX Runtime, which opens sooner than OpenVINO.
    """
    monkeypatch.setattr("hsi.runtime.engine._prefers_openvino", lambda variant: False)
    monkeypatch.setattr("hsi.runtime.trt.device.LIBRARY", driver())
    modules: dict[str, Any] = {
        "tensorrt": newest.module,
        "cuda.bindings.runtime": newest.cuda.module,
    }
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)
    return newest


class Standby:
    """An engine of all tests, which closing does not close."""

    def __init__(self, engine: Engine) -> None:
        self.name = engine.name
        self.encode_style = engine.encode_style
        self.stylize = engine.stylize

    def close(self) -> None:
        pass


@pytest.fixture
def options(tmp_path: Path) -> TensorRtOptions:
    """Plans are kept in a folder of the test."""
    return TensorRtOptions(cache_dir=tmp_path / "plans")


@pytest.fixture
def opened(
    bundle: Bundle, standby: Engine, device: Device, options: TensorRtOptions
) -> Callable[..., TensorRtEngine]:
    """Open the shipped bundle on a fake TensorRT, with ONNX Runtime to stand by."""

    def make(tensorrt: FakeTensorRt, device: Device = device, **more: Any) -> TensorRtEngine:
        told = replace(options, **more)
        maker = PlanMaker(tensorrt.module, tensorrt.cuda.module, device, bundle, told)
        return TensorRtEngine(bundle, Standby(standby), maker, told)

    return make


@pytest.fixture
def build_ended() -> Callable[[], None]:
    """Wait for the build underway, if there is one."""

    def wait() -> None:
        for thread in threading.enumerate():
            if thread.name == "tensorrt-build":
                thread.join(60)

    return wait


@pytest.fixture
def play(bundle: Bundle, photo: Image) -> Callable[..., Image]:
    """Stylise a part of a photograph, `(1, H, W, 3)`."""
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
