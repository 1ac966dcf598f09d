"""A plan, ready to run batches of any shape within its profile."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from hsi.runtime.trt.bindings import logger_for, made
from hsi.runtime.trt.cuda import Streams
from hsi.runtime.trt.direct_lane import DirectLane
from hsi.runtime.trt.lane import Arrays, Lane

LANES = 2  # one is moved while the other is computed
SHAPES = 2  # whose lanes are kept
Shapes = tuple[tuple[str, tuple[int, ...]], ...]


class PlanRunner:
    """One deserialised plan. Calls from several threads are allowed, and overlap.

    Args:
        trt: The bindings.
        cudart: ``cuda.bindings.runtime``.
        plan: Of the user's own cache: a version-compatible one holds code that is run.
        version_compatible: Whether it is such a one.

    Raises:
        EngineError: TensorRT refuses the plan, or memory is short.
    """

    def __init__(
        self, trt: Any, cudart: Any, plan: bytes, version_compatible: bool = False
    ) -> None:
        self._trt = trt
        self._cudart = cudart
        self._logger = logger_for(trt)
        self._runtime = made("runtime", trt.Runtime, self._logger)
        self._runtime.engine_host_code_allowed = version_compatible
        self._engine = made("engine of the plan", self._runtime.deserialize_cuda_engine, plan)
        self._streams = Streams(cudart)
        self._enqueuing = threading.Lock()
        self._direct: DirectLane | None = None  # made when frames on the device come
        self._changing = threading.Condition()
        self.compute_ms: float | None = None  # of the last batch's kernels alone
        self._made: dict[Shapes, int] = {}  # lanes, the shapes met first coming first
        self._idle: dict[Shapes, list[Lane]] = {}

    def names(self) -> tuple[set[str], set[str]]:
        """Names of the inputs and of the outputs."""
        engine = self._engine
        found = [engine.get_tensor_name(number) for number in range(engine.num_io_tensors)]
        wanted = self._trt.TensorIOMode.INPUT
        inputs = {name for name in found if engine.get_tensor_mode(name) == wanted}
        return inputs, set(found) - inputs

    def run(self, feed: Arrays, into: Arrays) -> None:
        """Run a batch.

        Args:
            feed: Inputs by name, C-contiguous. Read, never written.
            into: Outputs by name, C-contiguous. Written.

        Raises:
            EngineError: The device refused.
        """
        with self._lane(feed, into) as lane:
            with self._enqueuing:
                lane.enqueue(feed, self._streams)
            lane.collect(into)
            self.compute_ms = lane.compute_ms()

    def run_on_device(self, frames: Any, out: Any, feed: Arrays, into: Arrays) -> None:
        """Run a batch of frames that lie on the device. See :meth:`DirectLane.run`."""
        with self._changing:
            if self._direct is None:
                self._direct = DirectLane(self._trt, self._cudart, self._engine)
        self._direct.run(frames, out, feed, into)

    def close(self) -> None:
        """Give the device back, once batches underway are done."""
        if self._direct is not None:
            self._direct.close()
            self._direct = None
        with self._changing:
            for shapes in list(self._made):
                self._forget(shapes)
        self._streams.close()
        self._engine = self._runtime = None

    @contextmanager
    def _lane(self, feed: Arrays, into: Arrays) -> Iterator[Lane]:
        shapes = tuple((name, array.shape) for name, array in feed.items())
        with self._changing:
            lane = self._taken(shapes, feed, into)
        try:
            yield lane
        finally:
            with self._changing:
                self._idle[shapes].append(lane)
                self._changing.notify_all()

    def _taken(self, shapes: Shapes, feed: Arrays, into: Arrays) -> Lane:
        while True:
            while shapes not in self._made and len(self._made) >= SHAPES:
                self._forget(next(iter(self._made)))
            idle = self._idle.setdefault(shapes, [])
            made_already = self._made.setdefault(shapes, 0)
            # The second is made when there is use for it: it doubles the memory.
            if not idle and made_already < LANES:
                idle.append(Lane(self._trt, self._cudart, self._engine, feed, into))
                self._made[shapes] += 1
            if idle:
                return idle.pop()
            self._changing.wait()

    def _forget(self, shapes: Shapes) -> None:
        while shapes in self._made and len(self._idle[shapes]) < self._made[shapes]:
            self._changing.wait()
        self._made.pop(shapes, None)
        self._streams.drain()
        for lane in self._idle.pop(shapes, []):
            lane.close()
