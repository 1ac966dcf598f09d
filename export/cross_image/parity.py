"""Torch against the bundle: every kind of step, and a whole picture."""

import math
from dataclasses import dataclass

import numpy as np

from hsi.appearance import DiffusionModel
from hsi.runtime.appearance import (
    Controls,
    LayerFeatures,
    Model,
    OnnxModel,
    TransferOptions,
    make_bank,
    transfer,
)
from hsi.runtime.appearance.adain import Masks
from hsi.runtime.appearance.denoiser import Array, Pictures, Prediction, StepFeatures
from hsi.runtime.appearance.plan import plan

MAX_STEP_DIFFERENCE = 1e-3  # of any value of any prediction
MIN_PSNR = 40.0  # dB, of the whole picture
CHECKED = TransferOptions(steps=10, skip=3, refresh_every=3)


@dataclass(frozen=True, kw_only=True)
class StepComparison:
    """One step on random latents, plain and swapped."""

    timestep: int
    worst: float  # of all values: the prediction's, the keys', values' and queries'

    @property
    def agrees(self) -> bool:
        """Whether the two are the same, rounding aside."""
        return self.worst <= MAX_STEP_DIFFERENCE


@dataclass(frozen=True, kw_only=True)
class PictureComparison:
    """A whole transfer, from pictures to a picture."""

    steps: int
    psnr: float  # dB; infinite where not a value differs

    @property
    def agrees(self) -> bool:
        """Whether the two are the same picture."""
        return self.psnr >= MIN_PSNR


def compare_steps(wanted: DiffusionModel, found: OnnxModel) -> list[StepComparison]:
    """Each step of a short loop: one call that records, one that takes what it recorded."""
    rng = np.random.default_rng(0)
    rows = []
    for planned in plan(wanted.schedule, CHECKED):
        latents = rng.standard_normal((2, *found.manifest.latent_shape), np.float32)
        pairs = [_both(model, latents, planned.step.timestep) for model in (wanted, found)]
        worst = max(float(abs(a - b).max()) for a, b in zip(*pairs, strict=True))
        # A comparison with NaN is false whatever it asks: call it as far off as can be.
        worst = worst if math.isfinite(worst) else math.inf
        rows.append(StepComparison(timestep=planned.step.timestep, worst=worst))
    return rows


def compare_pictures(
    wanted: DiffusionModel, found: OnnxModel, structure: Pictures, appearance: Pictures
) -> PictureComparison:
    """A transfer both ways, from pictures of the bundle's size, with torch's masks in both.

    Which pixels k-means counts to an object is a decision: where it is a close one, rounding takes
    another, and nothing would be said of the graphs.

    Args:
        wanted: In torch.
        found: The bundle.
        structure: `(1, H, W, 3)` uint8 BGR.
        appearance: `(1, H, W, 3)`.
    """
    first, masks = _picture(wanted, structure, appearance, (None, None))
    second, _ = _picture(found, structure, appearance, masks)
    error = np.mean((first.astype(np.float64) - second) ** 2)
    psnr = math.inf if error == 0 else 10 * math.log10(255**2 / error)
    return PictureComparison(steps=CHECKED.loop_steps, psnr=psnr)


def _both(model: Model, latents: Array, timestep: int) -> list[Array]:
    times = np.full(2, timestep, np.int64)
    recorded = model.predict(latents, times, record=True)
    bank = [LayerFeatures(**_one_row(layer)) for layer in recorded.features]
    ones = np.ones((2, 2), np.float32)
    first = np.array([[1, 0]] * 2, np.float32)
    controls = Controls(
        kv_index=np.array([[2, 1]] * 2, np.int64),
        contrast=ones + 0.67 * first,
        temperature=ones + 0.5 * first,
        query_weight=0.5 * first,
        renormalise=True,
    )
    swapped = model.predict(latents, times, controls=controls, bank=bank)
    return [swapped.output, *_arrays(recorded)]


def _one_row(layer: LayerFeatures) -> dict[str, Array | None]:
    """Keys and values of the first row, as an appearance's; queries of all."""
    assert layer.key is not None and layer.value is not None
    return {"key": layer.key[:1], "value": layer.value[:1], "query": layer.query}


def _arrays(prediction: Prediction) -> list[Array]:
    features: StepFeatures = prediction.features
    found = [x for one in features for x in (one.key, one.value, one.query) if x is not None]
    maps = [] if prediction.noun_map is None else [prediction.noun_map]
    return [prediction.output, *found, *maps]


def _picture(
    model: Model,
    structure: Pictures,
    appearance: Pictures,
    masks: tuple[Masks | None, Masks | None],
) -> tuple[Pictures, tuple[Masks, Masks]]:
    """The picture, and the masks of structure and appearance that it was made with."""
    bank = make_bank(model, model.encode(appearance), CHECKED, masks=masks[1])
    made = transfer(model, bank, model.encode(structure), CHECKED, masks=masks[0])
    return model.decode(made.latents), (made.masks, bank.masks)
