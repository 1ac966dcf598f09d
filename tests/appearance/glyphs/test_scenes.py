"""Scenes hold what their maps say, and nothing gives a class's colour away but other glyphs."""

import numpy as np
import pytest

from hsi.appearance.glyphs.scenes import (
    CELL,
    LEAST_DISTANCE,
    PARTS,
    SIZE,
    TEXTURE_AMPLITUDE,
    draw_scenes,
)
from hsi.runtime.errors import OptionError


def test_the_same_seed_draws_the_same_scenes() -> None:
    first, second = (draw_scenes(3, np.random.default_rng(5)) for _ in range(2))

    np.testing.assert_array_equal(first.pictures, second.pictures)
    np.testing.assert_array_equal(first.parts, second.parts)


def test_every_pixel_has_its_parts_colour_up_to_the_texture() -> None:
    scenes = draw_scenes(8, np.random.default_rng(0))

    drawn = scenes.colours[np.arange(8)[:, None, None], scenes.parts].transpose(0, 3, 1, 2)
    assert scenes.pictures.shape == (8, 3, SIZE, SIZE)
    assert np.abs(scenes.pictures - drawn).max() <= TEXTURE_AMPLITUDE + 1e-6
    assert scenes.pictures.min() >= 0 and scenes.pictures.max() <= 1


def test_colours_of_a_scene_are_far_apart() -> None:
    colours = draw_scenes(20, np.random.default_rng(1)).colours

    apart = np.linalg.norm(colours[:, :, None] - colours[:, None], axis=-1)
    assert apart[:, ~np.eye(len(PARTS), dtype=bool)].min() >= LEAST_DISTANCE - 1e-6


def test_glyphs_are_brighter_than_the_ground_whatever_their_colour() -> None:
    scenes = draw_scenes(50, np.random.default_rng(6))

    assert scenes.colours[:, 1:].mean(2).min() > scenes.colours[:, 0].mean(1).max() + 0.2


def test_a_class_has_one_texture_and_the_ground_has_none() -> None:
    scenes = draw_scenes(30, np.random.default_rng(7), missing=2)
    rows = np.arange(30)[:, None, None]
    added = scenes.pictures.transpose(0, 2, 3, 1) - scenes.colours[rows, scenes.parts]

    assert np.abs(added[scenes.parts == 0]).max() < 1e-6
    blocks = scenes.parts.reshape(30, SIZE // 2, 2, SIZE // 2, 2)
    whole = (blocks.min((2, 4)) == blocks.max((2, 4))) & (blocks.min((2, 4)) == 3)
    seen = added.mean(3).reshape(30, SIZE // 2, 2, SIZE // 2, 2).transpose(0, 1, 3, 2, 4)
    for scene in range(30):
        assert np.ptp(seen[scene][whole[scene]], axis=0).max() < 1e-6


def test_a_missing_class_is_in_no_scene_and_the_others_are_in_all() -> None:
    scenes = draw_scenes(12, np.random.default_rng(2), missing=2)

    assert scenes.present().all(0).tolist() == [True, True, False, True]
    assert not scenes.present()[:, 2].any()


def test_about_the_asked_share_of_scenes_lacks_a_class() -> None:
    present = draw_scenes(200, np.random.default_rng(3), missing_share=0.25).present()

    assert 0.15 < (~present.all(1)).mean() < 0.35
    assert (present.sum(1) >= len(PARTS) - 1).all()


def test_bars_and_discs_have_their_shape() -> None:
    parts = draw_scenes(1, np.random.default_rng(4), missing_share=0).parts[0]

    for part, (tall, wide) in {1: (6, 2), 2: (2, 6), 3: (5, 5)}.items():
        rows, columns = np.nonzero(parts == part)
        place = (rows // CELL == rows[0] // CELL) & (columns // CELL == columns[0] // CELL)
        height, width = np.ptp(rows[place]) + 1, np.ptp(columns[place]) + 1
        assert height >= tall and width >= wide
        assert abs(int(height) - int(width)) <= 1 if part == 3 else height != width


@pytest.mark.parametrize("missing", [0, 4])
def test_a_class_that_does_not_exist_cannot_be_missing(missing: int) -> None:
    with pytest.raises(OptionError, match=f"missing must be 1 to 3, got {missing}"):
        draw_scenes(1, np.random.default_rng(0), missing=missing)


def test_no_scenes_are_refused() -> None:
    with pytest.raises(OptionError, match="count must be at least 1, got 0"):
        draw_scenes(0, np.random.default_rng(0))
