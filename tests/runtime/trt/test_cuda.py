"""The real bindings of CUDA, which need no GPU to refuse."""

from __future__ import annotations

import sys

import pytest

from hsi.runtime.errors import EngineError
from hsi.runtime.trt.cuda import Buffer, Streams, free_device_mib, load_cuda
from hsi.runtime.trt.device import find_device
from tests.runtime.trt.fake_cuda import FakeCuda


@pytest.fixture
def no_device() -> None:
    try:
        find_device()
    except EngineError:
        return
    pytest.skip("this machine has a GPU")


def test_without_a_device_the_first_call_says_what_cuda_says(no_device: None) -> None:
    pytest.importorskip("cuda.bindings.runtime")
    cudart = load_cuda()

    for opened in (lambda: Streams(cudart), lambda: Buffer(cudart, (2, 3), "float32")):
        with pytest.raises(EngineError, match=r"CUDA failed: cudaError\w+"):
            opened()


def test_free_memory_of_a_device_that_is_not_there_is_none(no_device: None) -> None:
    assert free_device_mib() is None


def test_free_memory_of_a_device_is_told(
    newest_cuda: FakeCuda, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "cuda.bindings.runtime", newest_cuda.module)

    assert free_device_mib() == 3


def test_bindings_that_are_not_there_say_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cuda.bindings.runtime", None)

    match = r"cuda-bindings does not load .*: run pip install 'hsi-edge\[tensorrt\]'"
    with pytest.raises(EngineError, match=match):
        load_cuda()
