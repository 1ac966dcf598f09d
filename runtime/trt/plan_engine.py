"""The engine that runs a plan."""

from typing import Any

import numpy as np

from hsi.runtime.engine import TENSORRT, Engine, Vectors
from hsi.runtime.manifest import Graph
from hsi.runtime.stylizer_inputs import vectors
from hsi.runtime.trt.built_engine import BuiltEngine
from hsi.runtime.trt.plan_runner import PlanRunner


class PlanEngine(BuiltEngine):
    """A stylizer's plan, for frames in host memory and on the device.

    Args:
        runner: Of the plan; closed with the engine.
        graph: What the plan was built of.
        encoder: Encodes styles; not closed with the engine.

    Raises:
        BundleError: The plan has other tensors than the graph.
    """

    def __init__(self, runner: PlanRunner, graph: Graph, encoder: Engine) -> None:
        super().__init__(runner, graph, encoder, TENSORRT)
        self._plan = runner

    def stylize_on_device(
        self,
        frames: Any,
        codes: Vectors,
        statistics: Vectors,
        statistics_weight: Vectors,
        strength: Vectors,
        out: Any,
    ) -> Vectors:
        """Stylise a batch that lies on the device, without a copy of its pixels.

        Args:
            frames: `(N, H, W, 3) uint8 BGR`, C-contiguous, with `__dlpack__` or
                `__cuda_array_interface__`, as of PyTorch, CuPy or Numba. Read, never written.
            codes: As in :meth:`stylize`, like those that follow, in host memory.
            statistics: Likewise.
            statistics_weight: Likewise.
            strength: Likewise.
            out: Like ``frames``, and no part of them. Written, and complete on return.

        Returns:
            The statistics used, `(N, S) float32`, the caller's own.

        Raises:
            FrameError: ``frames`` or ``out`` is no such array.
            EngineError: The device refused.
        """
        used = np.empty_like(statistics)
        feed = vectors(codes, statistics, statistics_weight, strength)
        self._plan.run_on_device(frames, out, feed, {"statistics_used": used})
        return used
