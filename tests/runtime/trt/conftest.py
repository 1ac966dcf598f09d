"""TensorRT, CUDA and the driver as fakes, in each version there is a surface of."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]
sys.path.append(str(ROOT))  # the fakes are modules of this folder

from hsi.runtime.bundle import Bundle  # noqa: E402
from hsi.runtime.engine import Engine, open_engine  # noqa: E402
from hsi.runtime.trt.device import Device  # noqa: E402
from tests.runtime.trt.fake_cuda import FakeCuda  # noqa: E402
from tests.runtime.trt.fake_tensorrt import FakeTensorRt  # noqa: E402
from tests.runtime.trt.surface import CUDA, TENSORRT  # noqa: E402

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
    """A machine with a GPU, TensorRT and CUDA, as far as imports and the driver go."""
    monkeypatch.setattr("hsi.runtime.trt.device.LIBRARY", driver())
    modules: dict[str, Any] = {
        "tensorrt": newest.module,
        "cuda.bindings.runtime": newest.cuda.module,
    }
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)
    return newest
