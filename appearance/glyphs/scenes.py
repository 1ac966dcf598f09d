"""Scenes of many small glyphs, drawn from a seed: pictures whose parts are known to the pixel.

Bright glyphs lie on a dark ground, so their shape shows through much noise. Their colour does not:
all glyphs of a class share a colour and a texture, and the next scene has others. The surest way to
tell a class's colour in a noisy picture is to look at all its glyphs: a denoiser needs attention.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hsi.runtime.errors import OptionError

SIZE = 32  # pixels a side
GRID = 4  # glyphs a side
CELL = SIZE // GRID  # pixels a side of a glyph's place
PARTS = ("ground", "upright", "lying", "disc")  # by their numbers in a part map
GROUND = (0.02, 0.22)  # of a ground's colour, per channel
GLYPH = (0.1, 0.9)  # of a class's mean colour, per channel
GLYPH_MEAN = (0.5, 0.7)  # and of the mean of its channels
LEAST_DISTANCE = 0.45  # between two classes of a scene, as RGB distance
TEXTURE_AMPLITUDE = 0.1
# Half cycles per pixel in x and y: none, columns, rows and checks, each of one pixel.
TEXTURES = ((0, 0), (1, 0), (0, 1), (1, 1))


@dataclass(frozen=True, kw_only=True, eq=False)
class Scenes:
    """Some scenes and what is known of them."""

    pictures: npt.NDArray[np.float32]  # (N, 3, SIZE, SIZE) RGB in [0, 1]
    parts: npt.NDArray[np.uint8]  # (N, SIZE, SIZE), numbers of PARTS
    colours: npt.NDArray[np.float32]  # (N, len(PARTS), 3) mean RGB of each part, drawn or not

    def __len__(self) -> int:
        return len(self.pictures)

    def __getitem__(self, some: slice) -> "Scenes":
        return Scenes(
            pictures=self.pictures[some], parts=self.parts[some], colours=self.colours[some]
        )

    def present(self) -> npt.NDArray[np.bool_]:
        """Which parts each scene has: `(N, len(PARTS))`."""
        return np.stack([(self.parts == part).any((1, 2)) for part in range(len(PARTS))], 1)


def draw_scenes(
    count: int, rng: np.random.Generator, *, missing_share: float = 0.2, missing: int | None = None
) -> Scenes:
    """Draw scenes.

    Args:
        count: How many.
        rng: Where everything about them comes from.
        missing_share: Share of scenes that lack one class of glyphs, drawn from all.
        missing: Number of a class that all of them lack; the share then says nothing.

    Raises:
        OptionError: ``count`` is below 1 or ``missing`` is no class of glyphs.
    """
    if count < 1:
        raise OptionError(f"count must be at least 1, got {count}")
    if missing is not None and not 0 < missing < len(PARTS):
        raise OptionError(f"missing must be 1 to {len(PARTS) - 1}, got {missing}")
    absent = np.where(
        rng.random(count) < missing_share, rng.integers(1, len(PARTS), count), len(PARTS)
    )
    if missing is not None:
        absent = np.full(count, missing)
    parts = _part_maps(_classes(absent, rng), rng)
    colours = _colours(count, rng)
    rows = np.arange(count)[:, None, None]
    pictures = colours[rows, parts] + _textures(count, rng)[rows, parts, _grid_y(), _grid_x()]
    return Scenes(
        pictures=np.ascontiguousarray(pictures.astype(np.float32).transpose(0, 3, 1, 2)),
        parts=parts,
        colours=colours,
    )


def _grid_y() -> npt.NDArray[np.intp]:
    return np.arange(SIZE)[:, None]


def _grid_x() -> npt.NDArray[np.intp]:
    return np.arange(SIZE)[None, :]


def _classes(absent: npt.NDArray[np.intp], rng: np.random.Generator) -> npt.NDArray[np.intp]:
    """The class of each place `(N, GRID, GRID)`: every class at least twice, some places empty."""
    count = len(absent)
    classes = np.empty((count, GRID * GRID), np.intp)
    for scene in range(count):
        there = [part for part in range(1, len(PARTS)) if part != absent[scene]]
        free = GRID * GRID - 2 * len(there)
        filled = rng.choice([0, *there], free, p=[0.1, *[0.9 / len(there)] * len(there)])
        classes[scene] = rng.permutation(np.concatenate([there, there, filled]))
    return classes.reshape(count, GRID, GRID)


def _part_maps(classes: npt.NDArray[np.intp], rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """Bars and discs of varying size, off their places' centres, one in each place."""
    shape = classes.shape
    centre_y, centre_x = (rng.uniform(-0.6, 0.6, shape) + (CELL - 1) / 2 for _ in range(2))
    length, width = rng.uniform(2.8, 3.4, shape), rng.uniform(1.1, 1.8, shape)
    radius = rng.uniform(2.6, 3.3, shape)

    def spread(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return values.repeat(CELL, 1).repeat(CELL, 2)

    y = np.abs(_grid_y() % CELL - spread(centre_y))
    x = np.abs(_grid_x() % CELL - spread(centre_x))
    length, width, radius = spread(length), spread(width), spread(radius)
    inside = (
        (y <= length) & (x <= width),
        (y <= width) & (x <= length),
        y**2 + x**2 <= radius**2,
    )
    of_pixel = classes.repeat(CELL, 1).repeat(CELL, 2)
    parts = np.zeros(of_pixel.shape, np.uint8)
    for part, mask in enumerate(inside, 1):
        parts[mask & (of_pixel == part)] = part
    return parts


def _colours(count: int, rng: np.random.Generator) -> npt.NDArray[np.float32]:
    """A dark ground, and bright classes each far from the others: the first good draw of many."""
    found = np.empty((count, len(PARTS), 3), np.float32)
    found[:, 0] = rng.uniform(*GROUND, (count, 3))
    missing = np.arange(count)
    while len(missing):
        drawn = rng.uniform(*GLYPH, (len(missing), len(PARTS) - 1, 3))
        means = drawn.mean(2)
        apart = np.linalg.norm(drawn[:, :, None] - drawn[:, None], axis=3) + np.eye(len(PARTS) - 1)
        bright = ((means >= GLYPH_MEAN[0]) & (means <= GLYPH_MEAN[1])).all(1)
        good = bright & (apart >= LEAST_DISTANCE).all((1, 2))
        found[missing[good], 1:] = drawn[good]
        missing = missing[~good]
    return found


def _textures(count: int, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """What is added to a part's colour at each pixel: `(N, len(PARTS), SIZE, SIZE, 1)`."""
    waves = np.array(TEXTURES)[rng.integers(len(TEXTURES), size=(count, len(PARTS)))]
    waves[:, 0] = 0  # the ground is plain
    signs = rng.choice([-1, 1], (count, len(PARTS), 1, 1))
    waves = waves[..., None, None, :]
    odd = (waves[..., 0] * _grid_x() + waves[..., 1] * _grid_y()) % 2
    added: npt.NDArray[np.float64] = TEXTURE_AMPLITUDE * waves.max(-1) * signs * (1 - 2 * odd)
    return added[..., None]
