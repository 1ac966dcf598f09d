"""Measures give what is known beforehand: for perfect results, for none, and for wrong ones."""

import numpy as np
import pytest

from hsi.appearance.glyphs.measures import Pictures, mask_overlap, nearest_parts, score
from hsi.appearance.glyphs.scenes import Scenes, draw_scenes

COUNT = 6


@pytest.fixture(scope="module")
def structures() -> Scenes:
    return draw_scenes(COUNT, np.random.default_rng(0), missing_share=0)


@pytest.fixture(scope="module")
def styles() -> Scenes:
    return draw_scenes(COUNT, np.random.default_rng(1), missing_share=0)


def painted(structures: Scenes, colours: np.ndarray) -> Pictures:
    """The structures' parts in flat colours `(N, parts, 3)`."""
    flat = colours[np.arange(len(structures))[:, None, None], structures.parts]
    return np.ascontiguousarray(flat.transpose(0, 3, 1, 2).astype(np.float32))


def test_the_styles_colours_in_the_structures_parts_are_perfect(
    structures: Scenes, styles: Scenes
) -> None:
    found = score(painted(structures, styles.colours), structures, styles)

    assert found.colour_error.max() < 0.02  # a region need not hold whole periods of a texture
    assert (found.part_accuracy == 1).all()
    assert (found.iou == 1).all()


def test_a_picture_transferred_to_itself_has_no_error(structures: Scenes) -> None:
    found = score(structures.pictures, structures, structures)

    assert found.colour_error.max() < 1e-6
    assert found.texture_error.max() < 1e-6
    assert (found.part_accuracy == 1).all()
    assert found.iou.min() > 0.97


def test_a_texture_that_is_not_there_is_an_error(structures: Scenes) -> None:
    found = score(painted(structures, structures.colours), structures, structures)

    assert found.texture_error.mean() > 0.05
    assert found.colour_error.max() < 0.02


def test_colours_given_to_the_wrong_classes_are_no_transfer(
    structures: Scenes, styles: Scenes
) -> None:
    turned = styles.colours[:, [0, 2, 3, 1]]

    found = score(painted(structures, turned), structures, styles)

    assert (found.part_accuracy == 0).all()
    assert found.colour_error.min() > 0.2
    assert (found.iou == 1).all()


def test_parts_that_ran_into_each_other_have_a_low_overlap(
    structures: Scenes, styles: Scenes
) -> None:
    moved = np.roll(painted(structures, styles.colours), 2, axis=3)

    assert score(moved, structures, styles).iou.max() < 0.75


def test_a_class_that_the_style_lacks_is_not_scored(structures: Scenes) -> None:
    lacking = draw_scenes(COUNT, np.random.default_rng(1), missing=3)
    colours = lacking.colours.copy()
    colours[:, 3] = colours[:, 0]

    found = score(painted(structures, colours), structures, lacking)

    assert found.colour_error.max() < 0.02
    assert (found.part_accuracy == 1).all()


def test_a_missing_class_that_took_the_grounds_colour_is_told(structures: Scenes) -> None:
    lacking = draw_scenes(COUNT, np.random.default_rng(1), missing=3)
    colours = lacking.colours.copy()
    colours[:, 3] = colours[:, 0]

    taken = nearest_parts(painted(structures, colours), structures, lacking, part=3)

    assert taken == [0] * COUNT


def test_masks_of_the_glyphs_themselves_overlap_wholly(structures: Scenes) -> None:
    known = (structures.parts > 0).astype(np.float32)

    assert mask_overlap(known, structures) == 1
    assert mask_overlap(1 - known, structures) == 0
    assert 0.15 < mask_overlap(np.ones((COUNT, 16, 16), np.float32), structures) < 0.4
