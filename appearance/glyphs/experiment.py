"""The experiment: every method on every held-out pair, scored and timed."""

import logging
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hsi.appearance.glyphs.estimate import Estimate, mean_estimate, ratio_estimate
from hsi.appearance.glyphs.measures import MEASURES, PairScores, mask_overlap, nearest_parts, score
from hsi.appearance.glyphs.methods import Made, Method
from hsi.appearance.glyphs.pairs import BgrPictures, Pairs, pictures_from_bgr
from hsi.appearance.glyphs.scenes import PARTS
from hsi.runtime.appearance import Controls, Model, Prediction
from hsi.runtime.appearance.denoiser import Pictures, StepFeatures
from hsi.runtime.appearance.schedule import Latents

CHUNK = 4  # pairs at once; more are no faster

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, eq=False)
class MethodResult:
    """What one method came to over all pairs."""

    method: str
    scores: PairScores
    pictures: BgrPictures  # (N, SIZE, SIZE, 3), one a pair
    mask_iou: float | None  # of the masks it found with the glyphs; None where it needs none
    destinations: Counter[str]  # parts whose colour the class took that the style lacks
    forwards: float  # latents through the U-Net, a pair
    processor_ms: float  # time of the processor, a pair

    def estimates(self, baseline: "MethodResult", seed: int = 0) -> dict[str, Estimate]:
        """The table's values by name: means, and errors as shares of those without transfer."""
        found = {name: mean_estimate(getattr(self.scores, name), seed) for name in MEASURES}
        for name in ("colour_error", "texture_error"):
            own, base = (getattr(result.scores, name) for result in (self, baseline))
            found[f"{name}_ratio"] = ratio_estimate(own, base, seed)
        return found


def run_experiment(
    model: Model,
    methods: Sequence[Method],
    pairs: Pairs,
    *,
    chunk: int = CHUNK,
) -> list[MethodResult]:
    """Run methods over pairs, taking turns, so that a busy machine is as busy for all.

    Raises:
        QualityError: The U-Net gives NaN.
    """
    runs, done = [_Run(method) for method in methods], 0
    for part in pairs.chunks(chunk):
        for run in runs:
            run.add(model, part)
        done += len(part)
        log.info("%d of %d pairs", done, len(pairs))
    return [run.result(pairs) for run in runs]


class _Run:
    """One method on its way through the pairs."""

    def __init__(self, method: Method) -> None:
        self.method = method
        self._made: list[Made] = []
        self._forwards = 0
        self._seconds = 0.0

    def add(self, model: Model, pairs: Pairs) -> None:
        counted = _CountedModel(model)
        began = time.process_time()
        self._made.append(self.method.make(counted, pairs))
        self._seconds += time.process_time() - began
        self._forwards += counted.forwards

    def result(self, pairs: Pairs) -> MethodResult:
        made = np.concatenate([part.pictures for part in self._made])
        masks = [part.masks for part in self._made if part.masks is not None]
        pictures = pictures_from_bgr(made)
        return MethodResult(
            method=self.method.name,
            scores=score(pictures, pairs.structures, pairs.styles),
            pictures=made,
            mask_iou=mask_overlap(np.concatenate(masks), pairs.structures) if masks else None,
            destinations=_destinations(pictures, pairs),
            forwards=self._forwards / len(pairs),
            processor_ms=1000 * self._seconds / len(pairs),
        )


def _destinations(pictures: npt.NDArray[np.float32], pairs: Pairs) -> Counter[str]:
    lacking = pairs.structures.present() & ~pairs.styles.present()
    found: Counter[str] = Counter()
    for number, part in np.argwhere(lacking):
        one = slice(number, number + 1)
        (nearest,) = nearest_parts(
            pictures[one], pairs.structures[one], pairs.styles[one], int(part)
        )
        found[PARTS[nearest]] += 1
    return found


class _CountedModel:
    """A model that counts what goes through its U-Net."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self.schedule, self.layers = model.schedule, model.layers
        self.stride = model.stride
        self.forwards = 0

    def predict(
        self,
        latents: Latents,
        timesteps: npt.NDArray[np.int64],
        *,
        prompted: bool = True,
        controls: Controls | None = None,
        bank: StepFeatures = (),
        record: bool = False,
    ) -> Prediction:
        self.forwards += len(latents)
        return self._model.predict(
            latents, timesteps, prompted=prompted, controls=controls, bank=bank, record=record
        )

    def encode(self, pictures: Pictures) -> Latents:
        return self._model.encode(pictures)

    def decode(self, latents: Latents) -> Pictures:
        return self._model.decode(latents)

    def fingerprint(self) -> str:
        return self._model.fingerprint()
