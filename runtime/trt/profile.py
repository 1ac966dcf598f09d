"""Which frames a plan is built for."""

from collections.abc import Mapping
from dataclasses import dataclass

from hsi.runtime.errors import OptionError

Size = tuple[int, int]  # width and height in pixels
Shape = tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Profile:
    """Sizes of frames that one plan takes, and the one it is fastest at."""

    least: Size
    best: Size
    most: Size
    batch: int = 1  # frames at once, at most

    def __post_init__(self) -> None:
        for side in range(2):
            sizes = (self.least[side], self.best[side], self.most[side])
            if not 0 < sizes[0] <= sizes[1] <= sizes[2]:
                raise OptionError(
                    f"a plan's sizes must grow from least to most, got {self.to_text()}"
                )
        if self.batch < 1:
            raise OptionError(f"a plan's batch must be at least 1, got {self.batch}")

    def takes(self, shape: Shape) -> bool:
        """Whether a batch of frames `(N, H, W, 3)` is within it."""
        count, height, width = shape[:3]
        return (
            count <= self.batch
            and self.least[0] <= width <= self.most[0]
            and self.least[1] <= height <= self.most[1]
        )

    def to_text(self) -> str:
        """For people, and for the key of a plan."""
        sizes = ["x".join(map(str, size)) for size in (self.least, self.best, self.most)]
        return f"{sizes[1]} ({sizes[0]} to {sizes[2]}, {self.batch} at once)"

    def shapes(self, inputs: Mapping[str, tuple[int | str, ...]]) -> dict[str, tuple[Shape, ...]]:
        """Least, best and most shape of each input.

        Args:
            inputs: Shapes in which "N", "H" and "W" are free.
        """
        ends = ((1, self.least), (self.batch, self.best), (self.batch, self.most))
        return {
            name: tuple(_filled(shape, count, size) for count, size in ends)
            for name, shape in inputs.items()
        }


def profile_for(
    shape: Shape, always: Size, least: Size | None = None, most: Size | None = None
) -> Profile:
    """A profile whose best size is that of a batch of frames.

    Args:
        shape: `(N, H, W, 3)`.
        always: A size that it must take too.
        least: The smallest asked for.
        most: The largest asked for.
    """
    count, height, width = shape[:3]
    best = (width, height)
    known = [size for size in (best, always, least, most) if size is not None]
    return Profile(
        least=(min(w for w, _ in known), min(h for _, h in known)),
        best=best,
        most=(max(w for w, _ in known), max(h for _, h in known)),
        batch=count,
    )


def _filled(shape: tuple[int | str, ...], count: int, size: Size) -> Shape:
    free = {"N": count, "W": size[0], "H": size[1]}
    return tuple(free[side] if isinstance(side, str) else side for side in shape)
