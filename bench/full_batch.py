"""The denoising as it was published: all rows in one batch, no bank. Banks are compared with it.

Rows are [out with foreign keys, out, appearance, structure], so that one call of four rows stands
for the published two of three.
"""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from hsi.runtime.appearance import (
    Bank,
    Controls,
    Model,
    Role,
    Trajectory,
    TransferOptions,
    adain,
    invert,
    plan,
)
from hsi.runtime.appearance.inversion import noise_in
from hsi.runtime.appearance.plan import PlannedStep
from hsi.runtime.appearance.schedule import Latents
from hsi.runtime.appearance.segmentation import feathered

ROWS = 4
OUT, PLAIN, APPEARANCE, STRUCTURE = range(ROWS)


def invert_both(
    model: Model, structure: Latents, appearance: Latents, options: TransferOptions
) -> tuple[Trajectory, Trajectory]:
    """Both pictures inverted over the whole schedule, one row at a time, as published."""
    whole = replace(options, skip=0, rows=1)
    pairs = ((structure, Role.STRUCTURE), (appearance, Role.APPEARANCE))
    structure_path, appearance_path = (
        _last(invert(model, x, whole, role=role), options) for x, role in pairs
    )
    return structure_path, appearance_path


def transfer_full_batch(
    model: Model,
    bank: Bank,
    paths: tuple[Trajectory, Trajectory],
    masks: npt.NDArray[np.float32],
    options: TransferOptions,
) -> Latents:
    """One structure in one appearance, `(1, C, h, w)`.

    Args:
        model: Whose U-Net.
        bank: For the appearance's mask alone.
        paths: Of the structure and of the appearance.
        masks: `(1, h, w)` of the structure.
        options: As for :func:`hsi.runtime.appearance.transfer`.
    """
    structure, appearance = paths
    first = structure.latents[0]
    rows = np.concatenate([first, first, appearance.latents[0], first])
    soft = feathered(masks, options.feather)
    for planned in plan(model.schedule, options):
        i, step = planned.number, planned.step
        times = np.full(ROWS, step.timestep, np.int64)
        controls = _controls(planned, options)
        output = model.predict(rows, times, controls=controls).output
        noise = noise_in(model, planned, output, rows)
        scale = np.float32(planned.guidance)
        noise[OUT] = noise[PLAIN] + scale * (noise[OUT] - noise[PLAIN])
        own, foreign = structure.noise[i], appearance.noise[i]
        added = np.concatenate([own, own, foreign, own])
        rows = np.asarray(step.mean(rows, noise) + added * step.sigma, np.float32)
        if planned.adain:
            style = rows[APPEARANCE:STRUCTURE]
            rows[OUT:PLAIN] = _adain(rows[OUT:PLAIN], style, soft, bank.masks, options)
        rows[PLAIN] = rows[OUT]  # both predictions are of the same latents
    return rows[OUT:PLAIN]


def _last(path: Trajectory, options: TransferOptions) -> Trajectory:
    return Trajectory(latents=path.latents[options.skip :], noise=path.noise[options.skip :])


def _controls(planned: PlannedStep, options: TransferOptions) -> Controls:
    plain = Controls.plain(ROWS)
    swapped = np.array(planned.swapped)
    index, contrast = plain.kv_index.copy(), plain.contrast.copy()
    index[swapped, OUT] = STRUCTURE if planned.refreshed else APPEARANCE
    contrast[swapped, OUT] = options.contrast
    return replace(
        plain,
        kv_index=index,
        contrast=contrast,
        clip=options.clip,
        renormalise=options.renormalise,
    )


def _adain(
    content: Latents,
    style: Latents,
    masks: npt.NDArray[np.float32],
    style_masks: npt.NDArray[np.float32],
    options: TransferOptions,
) -> Latents:
    if options.adain == "global":
        masks, style_masks = np.ones_like(masks), np.ones_like(style_masks)
    return adain(content, style, masks, style_masks)
