"""A picture encoded for a transfer: its way from noise, its object, and what layers saw in it."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from hsi.runtime.appearance.adain import MIN_PIXELS, Masks, pixels
from hsi.runtime.appearance.denoiser import Model, StepFeatures
from hsi.runtime.appearance.inversion import Role, Trajectory, drawn_noise, invert, noise_in, replay
from hsi.runtime.appearance.options import TransferOptions
from hsi.runtime.appearance.plan import COARSE, FINE, PlannedStep, plan
from hsi.runtime.appearance.recorder import Recorder
from hsi.runtime.appearance.schedule import Latents
from hsi.runtime.appearance.segmentation import (
    Labels,
    attention_maps,
    object_mask,
    resized_masks,
    segment,
)
from hsi.runtime.errors import OptionError

KEYS_AND_VALUES = frozenset({"key", "value"})
QUERIES = frozenset({"query"})
MAPS = frozenset({"query", "key"})

Wanted = Callable[[PlannedStep, int], frozenset[str]]
"""Of a step and a layer's group: what to keep."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Encoding:
    """Pictures, encoded for a transfer in K steps."""

    trajectory: Trajectory
    features: tuple[StepFeatures, ...]  # for each step; what is not needed is not there
    masks: Masks  # (N, h, w): the object, of latent size; ones where no mask is asked for
    parts: Labels | None = None  # (N, h', w') of tokens, where masks were found by attention
    shown: tuple[int, int] = (0, 0)  # the step and the layer whose attention told them


def encode_structure(
    model: Model, latents: Latents, options: TransferOptions, masks: Masks | None = None
) -> Encoding:
    """What a transfer needs of the pictures whose structure stays.

    Args:
        model: Whose U-Net.
        latents: `(N, C, h, w)`.
        options: Those of the transfer.
        masks: `(N, h, w)`, of latent size; None: found by the U-Net's attention, if needed.

    Raises:
        OptionError: A mask is empty.
        QualityError: The U-Net gives NaN.
    """

    def wanted(planned: PlannedStep, group: int) -> frozenset[str]:
        if not planned.swapped[group]:
            return frozenset()
        queries = QUERIES if options.query_blend else frozenset()
        return queries | (KEYS_AND_VALUES if planned.refreshed else frozenset())

    return _encode(model, latents, options, Role.STRUCTURE, wanted, masks)


def encode_appearance(
    model: Model, latents: Latents, options: TransferOptions, masks: Masks | None = None
) -> Encoding:
    """What a transfer needs of the pictures whose appearance is taken; see `encode_structure`."""

    def wanted(planned: PlannedStep, group: int) -> frozenset[str]:
        taken = planned.swapped[group] and not planned.refreshed
        return KEYS_AND_VALUES if taken else frozenset()

    return _encode(model, latents, options, Role.APPEARANCE, wanted, masks)


def _encode(
    model: Model,
    latents: Latents,
    options: TransferOptions,
    role: Role,
    wanted: Wanted,
    masks: Masks | None,
) -> Encoding:
    steps = plan(model.schedule, options)
    looked = min(round(options.mask_time * len(steps)), len(steps) - 1)
    shown = _mask_layer(model, options) if options.adain == "masked" and masks is None else None

    def kept(step: int, layer: int) -> frozenset[str]:
        maps = MAPS if (step, layer) == (looked, shown) else frozenset()
        return maps | wanted(steps[step], model.layers[layer].group)

    masks = None if masks is None else _checked(masks, latents)
    recorder = Recorder(len(steps), len(model.layers), kept)
    trajectory = _trajectory(model, latents, options, role, recorder)
    size = (latents.shape[2], latents.shape[3])
    if shown is None:
        masks = np.ones((len(latents), *size), np.float32) if masks is None else masks
        return Encoding(trajectory=trajectory, features=recorder.features, masks=masks)
    masks, parts = _found_masks(model, recorder, looked, shown, size)
    return Encoding(
        trajectory=trajectory,
        features=recorder.features,
        masks=masks,
        parts=parts,
        shown=(looked, shown),
    )


def _trajectory(
    model: Model, latents: Latents, options: TransferOptions, role: Role, recorder: Recorder
) -> Trajectory:
    if not options.inversion:
        return _noised(model, latents, options, role, recorder)
    if options.inversion_guidance == 1:
        return invert(model, latents, options, role=role, recorder=recorder)
    # With guidance, the way back differs from the way there, and the transfer follows the way back.
    there = invert(model, latents, options, role=role)
    return replay(model, there, options, recorder=recorder)


def _noised(
    model: Model, latents: Latents, options: TransferOptions, role: Role, recorder: Recorder
) -> Trajectory:
    """Latents under the same noise at every step, and what layers see in those that are needed."""
    steps = plan(model.schedule, options)
    noise = drawn_noise(options, role, steps[0].step.timestep, latents.shape[1:])[None]
    path = np.stack([*(planned.step.noisy(latents, noise) for planned in steps), latents])
    for planned in steps:
        if recorder.wants([planned.number]):
            times = np.full(len(latents), planned.step.timestep, np.int64)
            prediction = model.predict(path[planned.number], times, record=True)
            noise_in(model, planned, prediction.output, path[planned.number])
            recorder.note(planned.number, prediction, slice(None))
    return Trajectory(latents=path, noise=np.broadcast_to(noise, path[1:].shape))


def _mask_layer(model: Model, options: TransferOptions) -> int:
    """The last layer of the group whose attention tells the object."""
    group = FINE if options.fine_masks else COARSE
    fit = [i for i, layer in enumerate(model.layers) if layer.group == group]
    return fit[-1] if fit else len(model.layers) - 1


def _found_masks(
    model: Model, recorder: Recorder, step: int, layer: int, size: tuple[int, int]
) -> tuple[Masks, Labels]:
    shown = model.layers[layer]
    tokens = (size[0] // shown.factor, size[1] // shown.factor)
    noun_maps = recorder.noun_map(step)
    maps = None if noun_maps is None else resized_masks(noun_maps, tokens)
    attention = attention_maps(shown, recorder.features[step][layer])
    parts = [segment(one, tokens) for one in attention]
    found = [
        object_mask(labels, None if maps is None else maps[i]) for i, labels in enumerate(parts)
    ]
    return resized_masks(np.stack(found), size), np.stack(parts)


def _checked(masks: Masks, latents: Latents) -> Masks:
    expected = (len(latents), *latents.shape[2:])
    if masks.shape != expected:
        raise OptionError(
            f"masks: expected {expected}, one of latent size for each picture, found {masks.shape}"
        )
    for number, count in enumerate(pixels(masks)):
        if count < MIN_PIXELS:
            raise OptionError(
                f"mask {number}: expected at least {MIN_PIXELS} latent pixels of an object, found "
                f"{count}: paint the object white, or give no mask"
            )
    return masks
