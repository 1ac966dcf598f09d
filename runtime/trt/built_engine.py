"""An engine whose graph was built for a range of sizes. Style codes come from another engine."""

from typing import Protocol

import numpy as np

from hsi.runtime.engine import Engine, Frames, Vectors
from hsi.runtime.errors import BundleError
from hsi.runtime.host_runner import Arrays
from hsi.runtime.manifest import Graph
from hsi.runtime.stylizer_inputs import stylizer_inputs


class Runner(Protocol):
    """What was built, ready to run batches."""

    @property
    def compute_ms(self) -> float | None:
        """Milliseconds of the last batch's kernels, without transfers; None where not told."""

    def names(self) -> tuple[set[str], set[str]]:
        """Names of the inputs and of the outputs."""

    def run(self, feed: Arrays, into: Arrays) -> None:
        """Run a batch. See :meth:`hsi.runtime.host_runner.HostRunner.run`.

        Raises:
            EngineError: The device refused.
        """

    def close(self) -> None:
        """Give the device back."""


class BuiltEngine:
    """A built stylizer behind the protocol of all engines.

    Args:
        runner: Of what was built; closed with the engine.
        graph: What it was built of.
        encoder: Encodes styles, once a style; not closed with the engine.
        name: As `--engine` calls it.

    Raises:
        BundleError: What was built has other tensors than the graph.
    """

    def __init__(self, runner: Runner, graph: Graph, encoder: Engine, name: str) -> None:
        if tuple(set(names) for names in graph.names()) != runner.names():
            raise BundleError(
                f"{graph.part}: expected the tensors of the manifest, found others in its plan: "
                "export the bundle again"
            )
        self.name = name
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
        feed = stylizer_inputs(frames, codes, statistics, statistics_weight, strength)
        self._runner.run(feed, {"stylised": out, "statistics_used": used})
        return used

    @property
    def compute_ms(self) -> float | None:
        """Milliseconds of the last batch's kernels, without transfers; None before the first."""
        return self._runner.compute_ms

    def close(self) -> None:
        """See :meth:`hsi.runtime.engine.Engine.close`."""
        self._runner.close()
