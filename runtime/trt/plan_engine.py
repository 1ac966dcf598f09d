"""The engine that runs a plan. Style codes come from another: they are needed once a style."""

from typing import Any

import numpy as np
import numpy.typing as npt

from hsi.runtime.engine import Engine, Frames, Vectors
from hsi.runtime.errors import BundleError
from hsi.runtime.manifest import Graph
from hsi.runtime.trt.plan_runner import PlanRunner

NAME = "tensorrt"


class PlanEngine:
    """A stylizer plan behind the protocol of all engines.

    Args:
        runner: Of the plan; closed with the engine.
        graph: What the plan was built of.
        encoder: Encodes styles; not closed with the engine.

    Raises:
        BundleError: The plan has other tensors than the graph.
    """

    name = NAME

    def __init__(self, runner: PlanRunner, graph: Graph, encoder: Engine) -> None:
        if tuple(set(names) for names in graph.names()) != runner.names():
            raise BundleError(
                f"{graph.part}: expected the tensors of the manifest, found others in its plan: "
                "export the bundle again"
            )
        self._runner = runner
        self._encoder = encoder

    def encode_style(self, style: Frames) -> Vectors:
        """See :meth:`hsi.runtime.engine.Engine.encode_style`."""
        return self._encoder.encode_style(style)

    def stylize(
        self,
        frames: Frames,
        codes: Vectors,
        statistics: Vectors,
        statistics_weight: Vectors,
        strength: Vectors,
        out: Frames,
    ) -> Vectors:
        """See :meth:`hsi.runtime.engine.Engine.stylize`."""
        used = np.empty_like(statistics)
        feed: dict[str, npt.NDArray[Any]] = {
            "frame": frames,
            **_vectors(codes, statistics, statistics_weight, strength),
        }
        self._runner.run(feed, {"stylised": out, "statistics_used": used})
        return used

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
        feed = _vectors(codes, statistics, statistics_weight, strength)
        self._runner.run_on_device(frames, out, feed, {"statistics_used": used})
        return used

    @property
    def compute_ms(self) -> float | None:
        """Milliseconds of the last batch's kernels, without transfers; None before the first."""
        return self._runner.compute_ms

    def close(self) -> None:
        """See :meth:`hsi.runtime.engine.Engine.close`."""
        self._runner.close()


def _vectors(
    codes: Vectors, statistics: Vectors, statistics_weight: Vectors, strength: Vectors
) -> dict[str, npt.NDArray[Any]]:
    return {
        "style_code": codes,
        "statistics": statistics,
        "statistics_weight": statistics_weight,
        "strength": strength,
    }
