"""The loop: structures denoised with the keys and values of an appearance."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hsi.runtime.appearance.adain import Masks, adain
from hsi.runtime.appearance.attention_view import AttentionView
from hsi.runtime.appearance.bank import Bank
from hsi.runtime.appearance.denoiser import Array, Controls, LayerFeatures, Model, StepFeatures
from hsi.runtime.appearance.encoding import Encoding, encode_structure
from hsi.runtime.appearance.inversion import noise_in
from hsi.runtime.appearance.options import TransferOptions
from hsi.runtime.appearance.plan import GROUPS, PlannedStep, plan
from hsi.runtime.appearance.schedule import Latents
from hsi.runtime.appearance.segmentation import attention_maps, feathered
from hsi.runtime.errors import OptionError

OnStep = Callable[[int, int], None]
"""Told how many steps are done, and of how many."""

Index = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, eq=False)
class TransferResult:
    """What a transfer made."""

    latents: Latents  # (P, C, h, w)
    masks: Masks  # (P, h, w): the objects of the structures, before their rims were softened
    views: tuple[AttentionView, ...] = ()  # one a structure, if asked for and found


def transfer(
    model: Model,
    bank: Bank,
    structures: Latents,
    options: TransferOptions,
    *,
    masks: Masks | None = None,
    style_index: npt.ArrayLike | None = None,
    views: bool = False,
    on_step: OnStep = lambda done, total: None,
) -> TransferResult:
    """Give structures an appearance.

    Args:
        model: The one that made the bank.
        bank: A appearances.
        structures: `(P, C, h, w)` float32 latents of pictures.
        options: Those the bank was made with; contrast, guidance and AdaIN may differ.
        masks: `(P, h, w)` of the objects; None: found by the U-Net's attention, if needed.
        style_index: `(P,)`, each structure's appearance. None: the only one, or one each in turn.
        views: Give the attention of structures to their appearances too, where masks are found.
        on_step: Told after each step of the loop.

    Raises:
        OptionError: The bank fits neither model, options nor size; a mask is empty.
        QualityError: The U-Net gives NaN: nothing is made of it.
    """
    bank.check(model, options, structures)
    index = _index(bank, len(structures), style_index)
    encoding = encode_structure(model, structures, options, masks)
    loop = _Loop(model, bank, encoding, options, index)
    steps = plan(model.schedule, options)
    latents = loop.start()
    for planned in steps:
        latents = loop.step(planned, latents)
        on_step(planned.number + 1, len(steps))
    seen = _views(model, bank, encoding, index) if views else ()
    return TransferResult(latents=latents, masks=encoding.masks, views=seen)


def _index(bank: Bank, count: int, given: npt.ArrayLike | None) -> Index:
    if given is None:
        given = np.zeros(count) if len(bank) == 1 else np.arange(count)
    index = np.asarray(given, np.int64)
    if index.shape != (count,) or not ((index >= 0) & (index < len(bank))).all():
        raise OptionError(
            f"style_index: expected {count} numbers below {len(bank)}, found {index.tolist()}"
        )
    return index


def _views(model: Model, bank: Bank, encoding: Encoding, index: Index) -> tuple[AttentionView, ...]:
    step, layer = encoding.shown
    query = encoding.features[step][layer].query
    key = bank.features[step][layer].key
    if encoding.parts is None or query is None or key is None:
        return ()
    met = LayerFeatures(query=query, key=key[index])
    attention = attention_maps(model.layers[layer], met)
    return tuple(AttentionView.of(*one) for one in zip(encoding.parts, attention, strict=True))


class _Loop:
    def __init__(
        self,
        model: Model,
        bank: Bank,
        structure: Encoding,
        options: TransferOptions,
        index: Index,
    ) -> None:
        self._model, self._bank, self._structure = model, bank, structure
        self._options, self._index = options, index
        self._masks = feathered(structure.masks, options.feather)

    def start(self) -> Latents:
        latents = self._structure.trajectory.latents[0]
        return self._adain(latents, 0) if self._options.adain_at_start else latents

    def step(self, planned: PlannedStep, latents: Latents) -> Latents:
        noise = self._noise(planned, latents)
        added = self._structure.trajectory.noise[planned.number]
        step = planned.step
        if self._options.inversion:
            latents = step.mean(latents, noise) + added * step.sigma
        elif self._options.renoise:
            clean = step.clean(latents, noise)
            latents = step.noisy_next(clean, added)
        else:
            latents = step.mean(latents, noise, eta=0.0)
        return self._adain(latents, planned.number + 1) if planned.adain else latents

    def _noise(self, planned: PlannedStep, latents: Latents) -> Latents:
        if not planned.swaps:
            times = np.full(len(latents), planned.step.timestep, np.int64)
            output = self._model.predict(latents, times).output
            return noise_in(self._model, planned, output, latents)
        rows = np.concatenate([latents, latents]) if planned.guided else latents
        times = np.full(len(rows), planned.step.timestep, np.int64)
        prediction = self._model.predict(
            rows,
            times,
            controls=self._controls(planned, len(rows)),
            bank=self._foreign(planned, len(rows)),
        )
        noise = noise_in(self._model, planned, prediction.output, rows)
        if not planned.guided:
            return noise
        swapped, plain = np.split(noise, 2)
        return plain + np.float32(planned.guidance) * (swapped - plain)

    def _controls(self, planned: PlannedStep, rows: int) -> Controls:
        """The first P rows swapped; the others, if there are any, as the U-Net was trained."""
        options, count = self._options, len(self._index)
        source = np.arange(count) if planned.refreshed else self._index
        swapped = np.zeros((GROUPS, rows), bool)
        swapped[:, :count] = np.array(planned.swapped)[:, None]
        index = np.tile(np.arange(rows, dtype=np.int64), (GROUPS, 1))
        index[:, :count] = np.where(swapped[:, :count], rows + source, index[:, :count])

        def where(value: float, plain: float) -> Array:
            return np.where(swapped, np.float32(value), np.float32(plain))

        return Controls(
            kv_index=index,
            contrast=where(options.contrast, 1),
            temperature=where(options.temperature, 1),
            query_weight=where(options.query_blend, 0),
            clip=options.clip,
            renormalise=options.renormalise,
        )

    def _foreign(self, planned: PlannedStep, rows: int) -> StepFeatures:
        own = self._structure.features[planned.number]
        keys = own if planned.refreshed else self._bank.features[planned.number]
        repeats = rows // len(self._index)
        return tuple(
            LayerFeatures(
                key=k.key,
                value=self._shuffled(k.value),
                query=None if q.query is None else np.concatenate([q.query] * repeats),
            )
            for k, q in zip(keys, own, strict=True)
        )

    def _shuffled(self, value: Array | None) -> Array | None:
        if value is None or not self._options.shuffle_values:
            return value
        order = np.random.default_rng(self._options.seed).permutation(value.shape[1])
        return np.asarray(value[:, order])

    def _adain(self, latents: Latents, number: int) -> Latents:
        style = self._bank.latents[number][self._index]
        if self._options.adain == "global":
            ones = np.ones_like(self._masks)
            return adain(latents, style, ones, ones)
        return adain(latents, style, self._masks, self._bank.masks[self._index])
