"""One ONNX graph in OpenVINO, compiled for each size of frame."""

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from hashlib import sha256
from typing import Any

import numpy as np

from hsi.runtime.compiled_graphs import CompiledGraphs, key_of
from hsi.runtime.errors import EngineError
from hsi.runtime.heap import return_freed
from hsi.runtime.native_calls import NativeCalls
from hsi.runtime.openvino_device import PROCESSOR, OpenVinoDevice
from hsi.runtime.telemetry import load_openvino

log = logging.getLogger(__name__)

CALLS = NativeCalls()
OF_PROCESSOR = ("FULL_DEVICE_NAME", "OPTIMIZATION_CAPABILITIES")
SIZES_KEPT = 8  # of frames, each with a compiled graph of some megabytes
Sizes = tuple[tuple[str, tuple[int, ...]], ...]  # of the inputs, by name
Names = tuple[str, ...]
NO_MEMORY = ("bad_alloc", "bad allocation", "not enough memory", "out of memory")


class OpenVinoGraph:
    """One ONNX graph, compiled for a device. Calls from several threads are allowed.

    Compiled for one size of frame a graph takes two thirds of the time of one compiled for all, and
    compiling takes as long as some frames. So each size gets a graph of its own, and so does each
    choice of outputs, and the last few keep theirs. An NPU takes no other graphs.

    Args:
        data: The ONNX file.
        threads: CPU threads.
        what: What to call it in messages.
        by_size: Whether sizes get graphs of their own, or share one.
        device: What computes.
        precision: Of the graph.
        kept: Where what is compiled for the CPU is kept; None for nowhere.

    Raises:
        EngineError: OpenVINO is not installed, has no such device, or does not take the graph.
    """

    def __init__(
        self,
        data: bytes,
        threads: int,
        what: str = "graph",
        *,
        by_size: bool = True,
        device: OpenVinoDevice = PROCESSOR,
        precision: str = "fp32",
        kept: CompiledGraphs | None = None,
    ) -> None:
        try:
            openvino = load_openvino()
        except ImportError as error:
            raise EngineError(
                f"engine {device.engine} was asked for but OpenVINO does not load: run pip install "
                "'hsi-edge[openvino]'"
            ) from error
        self._device = device
        self._settings = device.settings(threads, precision)
        self._version = openvino.get_version()
        self._kept = kept
        try:
            with CALLS.one():
                self._core = openvino.Core()
                device.check_found(self._core.available_devices)
                self._model: Any = self._core.read_model(data)
                self._key = partial(key_of, sha256(data).hexdigest())
                self._outputs = tuple(next(iter(port.names)) for port in self._model.outputs)
                self._any_size = None if by_size else self._compiled((), lambda: self._model)
        except Exception as error:
            raise translated(error, f"{what} does not load: ") from error
        self._tensor = openvino.Tensor
        self._choosing = threading.Lock()
        self._sizes: OrderedDict[tuple[Sizes, Names], _Compiled] = OrderedDict()

    def run(
        self,
        feed: dict[str, Any],
        into: dict[str, Any] | None = None,
        *,
        wanted: Names | None = None,
    ) -> dict[str, Any]:
        """Run the graph.

        Args:
            feed: Inputs by name, C-contiguous. Read, never written.
            into: Outputs by name for which the caller has buffers, C-contiguous. Written.
            wanted: The outputs to make; None for all. Sizes with graphs of their own do not compute
                what leads to others alone.

        Returns:
            Those wanted that are not in ``into``, by name, the caller's own.

        Raises:
            EngineError: OpenVINO refused.
        """
        with CALLS.one():
            return self._run(feed, into or {}, wanted or self._outputs)

    def _run(self, feed: dict[str, Any], into: dict[str, Any], wanted: Names) -> dict[str, Any]:
        try:
            compiled = self._for_sizes(tuple((name, v.shape) for name, v in feed.items()), wanted)
            with compiled.request() as request:
                for name, value in {**feed, **into}.items():
                    # Shared, not copied: the graph reads and writes the caller's memory. OpenVINO
                    # takes none that is read-only, such as a style code, though it only reads it.
                    shared = value.flags.writeable or name in into
                    request.set_tensor(name, self._tensor(value, shared_memory=shared))
                request.infer(share_outputs=True)  # else it returns copies of all, frames included
                return {
                    name: np.array(request.get_tensor(name).data)
                    for name in wanted
                    if name not in into
                }
        except Exception as error:
            raise translated(error) from error

    def names(self) -> tuple[set[str], set[str]]:
        """Names of the inputs and of the outputs."""
        ports = (self._model.inputs, self._model.outputs)
        inputs, outputs = ({name for port in side for name in port.names} for side in ports)
        return inputs, outputs

    def release_memory(self) -> None:
        """Give back what lies between the layers of the graph for all sizes, until its next run."""
        if self._any_size is not None:
            self._any_size.release_memory()
            return_freed()

    def _for_sizes(self, sizes: Sizes, wanted: Names) -> "_Compiled":
        if self._any_size is not None:
            return self._any_size
        with self._choosing:
            found = self._sizes.pop((sizes, wanted), None)
            if found is None:
                found = self._compiled((sizes, wanted), lambda: self._resized(sizes, wanted))
                log.debug("OpenVINO: compiled for %s", dict(sizes))
            self._sizes[sizes, wanted] = found
            if len(self._sizes) > SIZES_KEPT:
                self._sizes.popitem(last=False)
                return_freed()
            return found

    def _resized(self, sizes: Sizes, wanted: Names) -> Any:
        model = self._model.clone()
        for result in model.get_results():
            if result.input_value(0).get_names().isdisjoint(wanted):
                model.remove_result(result)
        model.reshape({name: list(shape) for name, shape in sizes})
        return model

    def _compiled(self, what: object, model: Callable[[], Any]) -> "_Compiled":
        def compiled_anew() -> Any:
            return self._core.compile_model(model(), self._device.name, self._settings)

        if self._kept is not None and self._device is PROCESSOR:
            about = {name: self._core.get_property("CPU", name) for name in OF_PROCESSOR}
            key = self._key(what, self._version, about, self._settings)
            compiled = self._kept.opened(key, self._core, self._settings, compiled_anew)
        else:
            compiled = compiled_anew()
        self._device.check_runs(compiled.get_property("EXECUTION_DEVICES"))
        return _Compiled(compiled)


class _Compiled:
    """A graph as it runs."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self._idle: list[Any] = []

    @contextmanager
    def request(self) -> Iterator[Any]:
        """One for one call, whose tensors it holds.

        None belongs to a thread: one that OpenVINO takes down while its thread ends, and the
        program with it, ends the process with an abort.
        """
        try:
            request = self._idle.pop()
        except IndexError:
            request = self._model.create_infer_request()
        try:
            yield request
        finally:
            self._idle.append(request)

    def release_memory(self) -> None:
        """Give back what lies between layers, until the next run."""
        if hasattr(self._model, "release_memory"):  # since OpenVINO 2024.6
            self._model.release_memory()


def translated(error: Exception, prefix: str = "") -> EngineError:
    """One of OpenVINO's exceptions as an error of ours, on one line; an error of ours as it is."""
    if isinstance(error, EngineError):
        return error
    text = " ".join(str(error).split())
    if any(words in text.lower() for words in NO_MEMORY):
        text = "out of memory: use smaller frames (--size)"
    return EngineError(f"{prefix}OpenVINO failed: {text[:300]}")
