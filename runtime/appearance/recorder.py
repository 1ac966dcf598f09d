"""Keeping what layers attended with, at the steps where it is needed."""

from collections.abc import Callable, Iterable

import numpy as np

from hsi.runtime.appearance.denoiser import Array, LayerFeatures, Prediction, StepFeatures

Wanted = Callable[[int, int], frozenset[str]]
"""Of a step's and a layer's number: which of "key", "value" and "query" to keep."""


class Recorder:
    """Features of some steps and layers; the rest are let go at once.

    Args:
        steps: How many the loop has.
        layers: How many the model has.
        wanted: What to keep.
    """

    def __init__(self, steps: int, layers: int, wanted: Wanted) -> None:
        self._wanted = [[wanted(step, layer) for layer in range(layers)] for step in range(steps)]
        self._kept: list[StepFeatures] = [(LayerFeatures(),) * layers] * steps
        self._noun_maps: dict[int, Array] = {}

    def wants(self, steps: Iterable[int]) -> bool:
        """Whether anything of these steps is to be kept."""
        return any(any(self._wanted[step]) for step in steps)

    def note(self, step: int, prediction: Prediction, rows: slice) -> None:
        """Keep what is wanted of the rows of a recorded prediction that belong to a step."""
        if not self.wants([step]):
            return
        self._kept[step] = tuple(
            LayerFeatures(**{name: np.array(getattr(layer, name)[rows]) for name in names})
            for names, layer in zip(self._wanted[step], prediction.features, strict=True)
        )
        if prediction.noun_map is not None:
            self._noun_maps[step] = np.array(prediction.noun_map[rows])

    @property
    def features(self) -> tuple[StepFeatures, ...]:
        """For each step, what was kept of each layer."""
        return tuple(self._kept)

    def noun_map(self, step: int) -> Array | None:
        """The noun map of a recorded step, if the model has words."""
        return self._noun_maps.get(step)
