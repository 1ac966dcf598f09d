"""Who runs the frame path: bare copies, ONNX Runtime in three ways, torch in two."""

import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import onnxruntime as ort
import torch

from hsi.export.graph import StylizerGraph
from hsi.runtime.device_runner import DeviceRunner
from hsi.runtime.frame import Image
from hsi.runtime.host_runner import HostRunner
from hsi.runtime.onnxruntime_engine import PROVIDERS, cuda_runtime, open_session
from hsi.runtime.onnxruntime_options import OnnxRuntimeOptions

FLOOR = "bare copies"
PLAIN, BOUND = "onnxruntime", "onnxruntime, IO binding"
RECORDED = "onnxruntime, IO binding, CUDA graph"
EAGER, COMPILED = "torch eager", "torch.compile"
Vectors = dict[str, npt.NDArray[np.float32]]


class FramePath(Protocol):
    """A frame from host memory through a device and back."""

    @property
    def compute_ms(self) -> float | None:
        """Of the last frame, without transfers; None where it is not told."""

    def run(self, frame: Image, out: Image) -> None:
        """Take a frame `(H, W, 3) uint8 BGR` and fill a buffer like it."""


class Copies:
    """The transfer floor: to the device and back, with nothing in between."""

    compute_ms: float | None = None

    def __init__(self, device: str) -> None:
        self._device = device
        self._held: dict[tuple[int, ...], torch.Tensor] = {}

    def run(self, frame: Image, out: Image) -> None:
        """See :meth:`FramePath.run`."""
        if frame.shape not in self._held:
            self._held[frame.shape] = torch.empty_like(torch.from_numpy(frame), device=self._device)
        self._held[frame.shape].copy_(torch.from_numpy(frame))
        torch.from_numpy(out).copy_(self._held[frame.shape])


class OrtFrames:
    """A stylizer in ONNX Runtime, run as the engines `onnxruntime-cpu` and `-cuda` do.

    Raises:
        RuntimeError: The provider does not run here, or nothing can be recorded though asked for.
    """

    def __init__(
        self, data: bytes, inputs: Vectors, device: str, options: OnnxRuntimeOptions, threads: int
    ) -> None:
        self._inputs = inputs
        self._wants_graph = options.cuda_graph and device == "cuda"
        opened = partial(_session, data, PROVIDERS[f"onnxruntime-{device}"], options, threads)
        self._runner: HostRunner | DeviceRunner = (
            DeviceRunner(opened, options.cuda_graph, cuda_runtime())
            if device == "cuda" and options.io_binding
            else HostRunner(opened(), options.io_binding)
        )

    @property
    def compute_ms(self) -> float | None:
        """See :meth:`FramePath.compute_ms`."""
        return self._runner.compute_ms

    def run(self, frame: Image, out: Image) -> None:
        """See :meth:`FramePath.run`."""
        used = np.empty_like(self._inputs["statistics"])
        into: dict[str, npt.NDArray[Any]] = {"stylised": out[None], "statistics_used": used}
        feed: dict[str, npt.NDArray[Any]] = {"frame": frame[None], **self._inputs}
        self._runner.run(feed, into)
        if (
            self._wants_graph
            and isinstance(self._runner, DeviceRunner)
            and not self._runner.records
        ):
            raise RuntimeError("no CUDA graph could be recorded: the log says why")


class TorchFrames:
    """A stylizer in torch: FP16 by autocast, as its users have it."""

    def __init__(
        self, module: StylizerGraph, inputs: Vectors, device: str, precision: str, compiled: bool
    ) -> None:
        self._device = device
        self._half = precision == "fp16"
        self._module: Callable[..., Any] = module.to(device)
        if compiled:
            # As the CUDA graphs of ONNX Runtime: one shape, recorded and launched as a whole.
            mode = "reduce-overhead" if device == "cuda" else "default"
            self._module = torch.compile(module, dynamic=False, mode=mode)
        self._inputs = [torch.from_numpy(array).to(device) for array in inputs.values()]
        self.compute_ms: float | None = None

    @torch.inference_mode()
    def run(self, frame: Image, out: Image) -> None:
        """See :meth:`FramePath.run`."""
        pixels = torch.from_numpy(frame[None]).to(self._device)
        start = time.perf_counter()
        with torch.autocast(self._device, torch.float16, enabled=self._half):
            stylised, _ = self._module(pixels, *self._inputs)
        if self._device == "cuda":
            torch.cuda.synchronize()
        self.compute_ms = 1e3 * (time.perf_counter() - start)
        torch.from_numpy(out).copy_(stylised[0])


def makers(
    data: bytes, module: StylizerGraph, precision: str, device: str, tf32: bool, threads: int
) -> Mapping[str, Callable[[], FramePath]]:
    """What opens each contestant, by name; each may raise whatever its library does.

    Args:
        data: The stylizer's graph at this precision.
        module: The same in torch, FP32.
        precision: `fp32` or `fp16`.
        device: `cuda` or `cpu`, which records no graphs.
        tf32: Whether FP32 may be computed with 10 bits of fraction.
        threads: CPU threads.
    """
    inputs = _inputs(module)
    ways = {
        PLAIN: OnnxRuntimeOptions(io_binding=False, cuda_graph=False, tf32=tf32),
        BOUND: OnnxRuntimeOptions(cuda_graph=False, tf32=tf32),
        RECORDED: OnnxRuntimeOptions(tf32=tf32),
    }
    if device == "cpu":
        del ways[RECORDED]
    return {
        FLOOR: partial(Copies, device),
        **{k: partial(OrtFrames, data, inputs, device, v, threads) for k, v in ways.items()},
        EAGER: partial(TorchFrames, module, inputs, device, precision, False),
        COMPILED: partial(TorchFrames, module, inputs, device, precision, True),
    }


def _session(
    data: bytes, provider: str, options: OnnxRuntimeOptions, threads: int, records: bool = False
) -> ort.InferenceSession:
    session = open_session(data, [(provider, options.of_provider(provider, records))], threads)
    if session.get_providers()[0] != provider:
        raise RuntimeError(f"ONNX Runtime fell back to {session.get_providers()[0]}")
    return session


def _inputs(module: StylizerGraph) -> Vectors:
    """All inputs of a stylizer but the frame, in its order: some style, at full strength."""
    network = module.network
    code = np.random.default_rng(0).standard_normal((1, network.code_size), np.float32)
    return {
        "style_code": code,
        "statistics": np.zeros((1, network.statistics_size), np.float32),
        "statistics_weight": np.zeros((1, 1), np.float32),
        "strength": np.ones((1, 1), np.float32),
    }
