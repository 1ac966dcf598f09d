"""Which layers of an INT8 graph are better than INT8."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class FinerLayers:
    """Convolutions that one INT8 number a value does not do for; the others are plain INT8."""

    split: tuple[str, ...] = ()  # inputs in two INT8 numbers, see hsi.calibrate.split_levels
    floats: tuple[str, ...] = ()

    @classmethod
    def in_float(cls, layers: Sequence[str]) -> "FinerLayers":
        """These, in float."""
        return cls(floats=tuple(layers))

    def with_split(self, layer: str) -> "FinerLayers":
        """The same, with one of those in float split instead."""
        floats = tuple(one for one in self.floats if one != layer)
        return FinerLayers(split=(*self.split, layer), floats=floats)

    def __len__(self) -> int:
        return len(self.split) + len(self.floats)

    def __str__(self) -> str:
        kinds = (("in two INT8 numbers", self.split), ("in float", self.floats))
        return ", ".join(f"{kind} {', '.join(names)}" for kind, names in kinds if names)


NONE_FINER = FinerLayers()
