"""The methods that are compared: the method in its settings, its parts alone, and controls."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from hsi.appearance.glyphs.pairs import BgrPictures, Pairs, bgr_from_pictures
from hsi.runtime.appearance import (
    Model,
    TransferOptions,
    invert,
    make_bank,
    reconstruct,
    transfer,
)
from hsi.runtime.appearance.adain import Masks


@dataclass(frozen=True, kw_only=True, eq=False)
class Made:
    """What a method made of some pairs."""

    pictures: BgrPictures  # one a pair
    masks: Masks | None = None  # of the structures' glyphs, as the method found them


Maker = Callable[[Model, Pairs], Made]


@dataclass(frozen=True, kw_only=True)
class Method:
    """A way to make a result of a structure and a style."""

    name: str
    make: Maker


def no_transfer(model: Model, pairs: Pairs) -> Made:
    """The structure as it is: what colour errors are measured against."""
    return Made(pictures=bgr_from_pictures(pairs.structures.pictures))


def reconstruction(model: Model, pairs: Pairs) -> Made:
    """The structure, inverted and denoised again."""
    latents = model.encode(bgr_from_pictures(pairs.structures.pictures))
    rebuilt = reconstruct(model, invert(model, latents, DEFAULT), DEFAULT)
    return Made(pictures=model.decode(rebuilt))


def transferred(options: TransferOptions) -> Maker:
    """The method with these options, every style's bank made for it alone."""

    def make(model: Model, pairs: Pairs) -> Made:
        styles = model.encode(bgr_from_pictures(pairs.styles.pictures))
        bank = make_bank(model, styles, options)
        structures = model.encode(bgr_from_pictures(pairs.structures.pictures))
        found = transfer(model, bank, structures, options)
        masks = found.masks if options.adain == "masked" else None
        return Made(pictures=model.decode(found.latents), masks=masks)

    return make


# Found on pairs of another seed than those that `score` draws. Attention of the larger size alone
# tells classes apart here (see the purities in the training's log), so it alone takes the style. At
# 32 pixels less noise hides a shape than at 512, so the loop starts later.
DEFAULT = TransferOptions(
    skip=22,
    fine_range=(0.0, 1.0),
    coarse_range=(0.0, 0.0),
    guidance=(1.5, 1.5),
    query_blend=0.5,
    adain_range=(0.0, 0.5),
    fine_masks=True,
)
ATTENTION = replace(DEFAULT, adain="off")
ADAIN = replace(DEFAULT, fine_range=(0.0, 0.0), adain_range=(0.0, 1.0))
FEW_STEPS = replace(
    TransferOptions.few_step(4),
    steps=8,
    skip=4,
    coarse_range=(0.0, 0.0),
    query_blend=0.75,
    fine_masks=True,
)

METHODS = (
    Method(name="no transfer", make=no_transfer),
    Method(name="reconstruction", make=reconstruction),
    Method(name="AdaIN alone", make=transferred(ADAIN)),
    Method(name="attention alone", make=transferred(ATTENTION)),
    Method(name="attention and AdaIN", make=transferred(DEFAULT)),
    Method(name="control", make=transferred(replace(DEFAULT, shuffle_values=True))),
    Method(name="few steps", make=transferred(FEW_STEPS)),
    Method(name="few steps, control", make=transferred(replace(FEW_STEPS, shuffle_values=True))),
)
