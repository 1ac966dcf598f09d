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


# Of the decoder's two sizes of attention, the larger one tells glyphs of twelve pixels apart.
DEFAULT = TransferOptions(fine_masks=True)
SWAP = replace(DEFAULT, adain="off")
ADAIN = replace(DEFAULT, fine_range=(0.0, 0.0), coarse_range=(0.0, 0.0))
FEW_STEP = replace(TransferOptions.few_step(4), fine_masks=True)
PUBLISHED = TransferOptions.published()

METHODS = (
    Method(name="no transfer", make=no_transfer),
    Method(name="reconstruction", make=reconstruction),
    Method(name="AdaIN alone", make=transferred(ADAIN)),
    Method(name="attention alone", make=transferred(SWAP)),
    Method(name="attention and AdaIN", make=transferred(DEFAULT)),
    Method(name="published settings", make=transferred(PUBLISHED)),
    Method(name="few steps", make=transferred(FEW_STEP)),
    Method(name="control", make=transferred(replace(DEFAULT, shuffle_values=True))),
)
