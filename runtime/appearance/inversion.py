"""Edit-friendly DDPM inversion (arXiv 2304.06140), and the plain replay that undoes it."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from hsi.runtime.appearance.denoiser import Model, Prediction
from hsi.runtime.appearance.options import TransferOptions
from hsi.runtime.appearance.plan import PlannedStep, plan
from hsi.runtime.appearance.recorder import Recorder
from hsi.runtime.appearance.schedule import Latents
from hsi.runtime.errors import QualityError


class Role(IntEnum):
    """Whose noise is drawn: the two pictures have noise of their own, so that queries meet keys by
    what pictures show and not by the noise of a place."""

    STRUCTURE = 0
    APPEARANCE = 1


@dataclass(frozen=True, kw_only=True, eq=False)
class Trajectory:
    """Pictures on their way from noise, for K steps."""

    latents: Latents  # (K + 1, N, C, h, w), noisiest first, the picture itself last
    noise: Latents  # (K, N, C, h, w): what each step adds, in units of its sigma


def invert(
    model: Model,
    latents: Latents,
    options: TransferOptions,
    *,
    role: Role = Role.STRUCTURE,
    recorder: Recorder | None = None,
) -> Trajectory:
    """Noise maps with which the denoising gives the pictures back.

    Noisy latents are drawn independently at each step, so nothing depends on another step: they go
    through the U-Net in batches of `options.rows`, and steps that are skipped cost nothing. Only a
    step's noise map ties it to the next.

    Args:
        model: Whose U-Net.
        latents: `(N, C, h, w)` of pictures.
        options: Steps, seed, guidance of the inversion, and rows at once.
        role: Which noise to draw.
        recorder: Given the features of each step, as the prompt alone gives them.

    Raises:
        QualityError: The U-Net gives NaN.
    """
    steps = plan(model.schedule, options)
    shape = latents.shape[1:]
    noisy = np.stack(
        [
            planned.step.noisy(latents, drawn_noise(options, role, planned.step.timestep, shape))
            for planned in steps
        ]
    )
    noise = np.zeros_like(noisy)
    path = np.concatenate([noisy, latents[None]])
    for group in _groups(steps, max(1, options.rows // len(latents))):
        for planned, found in zip(
            group, _noise_of(model, group, path, options, recorder), strict=True
        ):
            i, step = planned.number, planned.step
            if step.sigma > 0:
                noise[i] = (path[i + 1] - step.mean(path[i], found)) / step.sigma
    if not options.keep_last_noise:
        path[-1] -= steps[-1].step.sigma * noise[-1]
        noise[-1] = 0
    return Trajectory(latents=path, noise=noise)


def replay(
    model: Model,
    trajectory: Trajectory,
    options: TransferOptions,
    *,
    recorder: Recorder | None = None,
) -> Trajectory:
    """The denoising of inverted pictures without guidance, step by step.

    Equals the trajectory itself where `options.inversion_guidance` is 1.

    Raises:
        QualityError: The U-Net gives NaN.
    """
    steps = plan(model.schedule, options)
    path = trajectory.latents.copy()
    for planned in steps:
        i, step = planned.number, planned.step
        record = recorder is not None and recorder.wants([i])
        times = np.full(path.shape[1], step.timestep, np.int64)
        prediction = model.predict(path[i], times, record=record)
        if recorder is not None:
            recorder.note(i, prediction, slice(None))
        found = noise_in(model, planned, prediction.output, path[i])
        path[i + 1] = step.mean(path[i], found) + trajectory.noise[i] * step.sigma
    return Trajectory(latents=path, noise=trajectory.noise)


def reconstruct(model: Model, trajectory: Trajectory, options: TransferOptions) -> Latents:
    """The pictures that an inversion gives back, `(N, C, h, w)`.

    Raises:
        QualityError: The U-Net gives NaN.
    """
    return np.asarray(replay(model, trajectory, options).latents[-1])


def drawn_noise(
    options: TransferOptions, role: Role, timestep: int, shape: tuple[int, ...]
) -> Latents:
    """Normal noise of a seed and a timestep, whatever else is in the batch or in the loop."""
    generator = np.random.default_rng((options.seed, int(role), timestep))
    return generator.standard_normal(shape, np.float32)


def noise_in(model: Model, planned: PlannedStep, output: Latents, latents: Latents) -> Latents:
    """The noise that the U-Net's output means.

    Raises:
        QualityError: The output holds NaN or infinity.
    """
    if not np.isfinite(output).all():
        raise QualityError(
            f"step {planned.number} (timestep {planned.step.timestep}): expected numbers from the "
            "U-Net, found NaN or infinity: its weights or this precision are of no use here"
        )
    return planned.step.noise_from(output, latents, model.schedule.prediction)


def _groups(steps: Sequence[PlannedStep], size: int) -> list[Sequence[PlannedStep]]:
    return [steps[i : i + size] for i in range(0, len(steps), size)]


def _noise_of(
    model: Model,
    group: Sequence[PlannedStep],
    path: Latents,
    options: TransferOptions,
    recorder: Recorder | None,
) -> list[Latents]:
    """The noise in the latents of some steps, all in one batch."""
    count = path.shape[1]
    first, last = group[0].number, group[-1].number + 1
    rows = path[first:last].reshape(-1, *path.shape[2:])
    times = np.repeat(np.array([p.step.timestep for p in group], np.int64), count)
    record = recorder is not None and recorder.wants(range(first, last))
    prediction = model.predict(rows, times, record=record)
    output = _guided(model, rows, times, prediction, options.inversion_guidance)
    slices = [slice(i * count, (i + 1) * count) for i in range(len(group))]
    if recorder is not None:
        for planned, part in zip(group, slices, strict=True):
            recorder.note(planned.number, prediction, part)
    return [
        noise_in(model, planned, output[part], path[planned.number])
        for planned, part in zip(group, slices, strict=True)
    ]


def _guided(
    model: Model, rows: Latents, times: np.ndarray, prediction: Prediction, guidance: float
) -> Latents:
    if guidance == 1:
        return prediction.output
    plain = model.predict(rows, times, prompted=False).output
    return plain + np.float32(guidance) * (prediction.output - plain)
