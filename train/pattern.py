"""Styles that nobody painted: patterns of strokes, shapes and lines, drawn from a seed."""

from collections.abc import Callable, Sequence
from typing import cast

import cv2
import numpy as np
import numpy.typing as npt

Picture = npt.NDArray[np.uint8]
Map = npt.NDArray[np.float32]
Colours = list[tuple[float, float, float]]  # BGR of 255; the first is the ground

MOST_BENT = 0.06  # of the side, by which a bent pattern's lines leave their places


def drawn_pattern(side: int, rng: np.random.Generator) -> Picture:
    """Draw a style: few colours, hard edges, one kind of mark all over.

    A few hundred paintings are mostly mild and mostly alike. Woodcuts, mosaics, hatchings and
    signs are neither, and a style encoder that has seen none does not know what to say of one.

    Args:
        side: Pixels.
        rng: Decides what, how large, and in what colours.

    Returns:
        `(side, side, 3) uint8 BGR`.
    """
    kinds: Sequence[Callable[[Picture, Colours, np.random.Generator], Picture]]
    kinds = (_mosaic, _grid, _strokes, _dots, _shapes, _bands)
    kind = kinds[rng.integers(len(kinds))]
    colours = _colours(rng)
    made = kind(np.full((side, side, 3), colours[0], np.uint8), colours, rng)
    if rng.random() < 0.5:
        made = _bent(made, rng)
    if rng.random() < 0.5:
        made = _shaded(made, rng)
    return made


def _colours(rng: np.random.Generator) -> Colours:
    """Two to seven, loud or muted; most palettes have a nearly black and a nearly white one."""
    chosen = rng.integers(0, 256, (int(rng.integers(2, 8)), 3)).astype(float)
    chosen += rng.uniform(0, 0.9) * (chosen.mean(1, keepdims=True) - chosen)
    if rng.random() < 0.7:
        chosen[-1] *= 0.15
    if rng.random() < 0.7:
        chosen[-2] += (255 - chosen[-2]) * 0.85
    rng.shuffle(chosen)
    return [tuple(colour) for colour in chosen.tolist()]


def _mosaic(ground: Picture, colours: Colours, rng: np.random.Generator) -> Picture:
    """Cells around random points, with or without joints."""
    side = len(ground)
    away = np.ones((side, side), np.uint8)
    places = rng.integers(0, side, (int(np.exp(rng.uniform(3, 6.5))), 2))
    away[places[:, 0], places[:, 1]] = 0
    distance_type, label_type = cv2.DIST_L2, cv2.DIST_LABEL_PIXEL
    _, cells = cv2.distanceTransformWithLabels(away, distance_type, 5, labelType=label_type)
    palette = np.array(colours, np.uint8)
    made = palette[rng.integers(len(palette), size=int(cells.max()) + 1)][cells]
    width = int(rng.integers(0, 4))
    if width:
        edges = cv2.morphologyEx(
            cells.astype(np.float32), cv2.MORPH_GRADIENT, np.ones((width + 1, width + 1))
        )
        made[edges > 0] = palette[-1]
    return cast(Picture, made)


def _grid(ground: Picture, colours: Colours, rng: np.random.Generator) -> Picture:
    """Rectangles split again and again, between lines of one colour."""
    side, width = len(ground), int(rng.integers(0, max(2, len(ground) // 24)))
    rooms = [(0, 0, side, side)]
    for _ in range(int(rng.integers(4, 60))):
        x, y, w, h = rooms.pop(int(rng.integers(len(rooms))))
        share = rng.uniform(0.25, 0.75)
        if w > h:
            rooms += [(x, y, int(w * share), h), (x + int(w * share), y, w - int(w * share), h)]
        else:
            rooms += [(x, y, w, int(h * share)), (x, y + int(h * share), w, h - int(h * share))]
    for x, y, w, h in rooms:
        colour = colours[rng.integers(len(colours))]
        cv2.rectangle(ground, (x, y), (x + w, y + h), colour, cv2.FILLED)
    for x, y, w, h in rooms if width else ():
        cv2.rectangle(ground, (x, y), (x + w, y + h), colours[-1], width)
    return ground


def _strokes(ground: Picture, colours: Colours, rng: np.random.Generator) -> Picture:
    """Brush strokes or hatching along a direction that turns slowly."""
    side = len(ground)
    angles = _field(side, rng) * rng.uniform(0, 6) + rng.uniform(0, np.pi)
    tones = _field(side, rng)
    length, width = side * rng.uniform(0.02, 0.12), int(rng.integers(1, max(2, side // 40)))
    for place in rng.integers(0, side, (int(min(6000, 1.5 * side**2 / (length * width))), 2)):
        y, x = place
        turn = np.array([np.cos(angles[y, x]), np.sin(angles[y, x])]) * length / 2
        # Neighbours are of a colour, more or less: the field chooses, and chance beside it.
        number = int((tones[y, x] + rng.normal(0, 0.15)) * len(colours)) % len(colours)
        ends = [np.rint([place[::-1] - turn, place[::-1] + turn]).astype(np.int32)]
        cv2.polylines(ground, ends, False, colours[number], width, cv2.LINE_AA)
    return ground


def _dots(ground: Picture, colours: Colours, rng: np.random.Generator) -> Picture:
    """Dots on a lattice, in place or shaken, of one size or several."""
    side, pitch = len(ground), rng.uniform(0.015, 0.1) * len(ground)
    shaken, varied = rng.uniform(0, 0.5, 2)
    rows = np.arange(0, side + pitch, pitch)
    for y in rows:
        for x in rows:
            place = np.array([x, y]) + rng.normal(0, 1, 2) * shaken * pitch
            radius = max(1, int(pitch * 0.5 * (0.8 + varied * rng.normal())))
            colour = colours[rng.integers(min(1, len(colours) - 1), len(colours))]
            cv2.circle(ground, place.astype(int), radius, colour, cv2.FILLED, cv2.LINE_AA)
    return ground


def _shapes(ground: Picture, colours: Colours, rng: np.random.Generator) -> Picture:
    """Ellipses and polygons over each other, with or without outlines."""
    side, outline = len(ground), int(rng.integers(0, max(2, len(ground) // 32)))
    for _ in range(int(rng.integers(8, 90))):
        centre, size = rng.uniform(0, side, 2), side * rng.uniform(0.03, 0.3)
        turns = np.sort(rng.uniform(0, 2 * np.pi, int(rng.integers(3, 7))))
        if rng.random() < 0.4:
            turns = np.linspace(0, 2 * np.pi, 40)
        stretch = size * rng.uniform(0.4, 1, 2)
        corners = centre + np.stack([np.cos(turns), np.sin(turns)], 1) * stretch
        polygon = [np.rint(corners).astype(np.int32)]
        cv2.fillPoly(ground, polygon, colours[rng.integers(len(colours))], cv2.LINE_AA)
        if outline:
            cv2.polylines(ground, polygon, True, colours[-1], outline, cv2.LINE_AA)
    return ground


def _bands(ground: Picture, colours: Colours, rng: np.random.Generator) -> Picture:
    """Stripes, swirls or a weave: bands of a wave whose lines a slow field bends."""
    side = len(ground)
    y, x = np.mgrid[:side, :side].astype(np.float32) / side
    turn, bend, count = rng.uniform(0, np.pi), rng.uniform(0, 3), rng.uniform(3, 40)
    wave = np.cos(turn) * x + np.sin(turn) * y + bend * 0.3 * _field(side, rng)
    band = np.floor(wave * count).astype(int)
    if rng.random() < 0.3:  # a weave: across them, bands of their own
        across = np.cos(turn + np.pi / 2) * x + np.sin(turn + np.pi / 2) * y
        band = band + np.floor(across * count).astype(int)
    return cast(Picture, np.array(colours, np.uint8)[band % len(colours)])


def _bent(picture: Picture, rng: np.random.Generator) -> Picture:
    side = len(picture)
    most = rng.uniform(0, 2 * MOST_BENT) * side
    x, y = np.meshgrid(np.arange(side, dtype=np.float32), np.arange(side, dtype=np.float32))
    x, y = (axis + most * (_field(side, rng) - np.float32(0.5)) for axis in (x, y))
    bent = cv2.remap(picture, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    return cast(Picture, bent)


def _shaded(picture: Picture, rng: np.random.Generator) -> Picture:
    """Light and shade that change slowly, and a grain."""
    light = 1 + rng.uniform(0, 0.6) * (_field(len(picture), rng) - np.float32(0.5))
    grain = rng.standard_normal(picture.shape, np.float32) * np.float32(rng.uniform(0, 12))
    lit = np.clip(np.rint(picture * light[..., None] + grain), 0, 255)
    return cast(Picture, lit.astype(np.uint8))


def _field(side: int, rng: np.random.Generator) -> Map:
    """A map `(side, side)` float32 from 0 to 1 that changes slowly."""
    few = int(rng.integers(2, 7))
    knots = rng.random((few, few), np.float32)
    field = cv2.resize(knots, (side, side), interpolation=cv2.INTER_CUBIC)
    return np.clip(field, 0, 1).astype(np.float32)
