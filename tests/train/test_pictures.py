import json
import logging
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from hsi.runtime.errors import SourceError
from hsi.train.pictures import PictureSet, held_out_paths, planes

Maker = Callable[..., Path]


def rng(step: int = 0) -> np.random.Generator:
    return np.random.default_rng((7, step))


def test_crops_are_bgr_planes_from_0_to_1(make_pictures: Maker) -> None:
    crops = planes(PictureSet([make_pictures("photos")]).crops(rng(), 5, 64))

    assert crops.shape == (5, 3, 64, 64)
    assert crops.dtype == torch.float32
    assert 0 <= crops.min() < 0.2
    assert 0.8 < crops.max() <= 1


def test_planes_are_blue_green_and_red_in_this_order(tmp_path: Path) -> None:
    blue = np.zeros((70, 70, 3), np.uint8)
    blue[..., 0] = 255
    cv2.imwrite(str(tmp_path / "blue.png"), blue)

    crop = planes(PictureSet([tmp_path]).crops(rng(), 1, 64))[0]

    assert crop[0].min() == 1
    assert crop[1:].max() == 0


def test_crops_depend_on_seed_and_step_alone(make_pictures: Maker) -> None:
    pictures = PictureSet([make_pictures("photos")])
    pictures.crops(rng(3), 4, 64)

    first, again, other = (planes(pictures.crops(rng(step), 4, 64)) for step in (4, 4, 5))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_crops_range_from_full_resolution_to_the_whole_picture_in_both_directions(
    tmp_path: Path,
) -> None:
    ramp = np.broadcast_to(np.arange(256, dtype=np.uint8)[None, :, None], (256, 256, 3))
    cv2.imwrite(str(tmp_path / "ramp.png"), ramp)

    rows = planes(PictureSet([tmp_path]).crops(rng(), 200, 64))[:, 0, 0] * 255

    # On a ramp of one level a pixel, the span of a row is the width of its window.
    spans = (rows[:, -1] - rows[:, 0]) * 64 / 63
    assert spans.abs().min() < 75
    assert spans.abs().max() > 240
    assert spans.abs().max() < 257
    assert 60 < (spans < 0).sum() < 140


def test_every_place_is_drawn_from_equally_often(tmp_path: Path) -> None:
    for place, level, count in (("few", 200, 1), ("many", 50, 9)):
        (tmp_path / place).mkdir()
        for number in range(count):
            grey = np.full((64, 64, 3), level, np.uint8)
            cv2.imwrite(str(tmp_path / place / f"{number}.png"), grey)

    crops = planes(PictureSet([tmp_path / "few", tmp_path / "many"]).crops(rng(), 200, 64))

    assert 70 < (crops.amax((1, 2, 3)) > 0.5).sum() < 130


def test_pictures_smaller_than_a_crop_are_enlarged(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "stamp.png"), np.full((20, 30, 3), 99, np.uint8))

    crops = planes(PictureSet([tmp_path]).crops(rng(), 2, 64))

    assert crops.shape == (2, 3, 64, 64)
    torch.testing.assert_close(crops, torch.full_like(crops, 99 / 255))


def test_large_pictures_are_shrunk_to_the_short_side_and_small_ones_kept(tmp_path: Path) -> None:
    for name, shape in (("large", (100, 300, 3)), ("small", (40, 60, 3))):
        cv2.imwrite(str(tmp_path / f"{name}.png"), np.zeros(shape, np.uint8))

    pictures = PictureSet([tmp_path], short_side=50)

    assert [p.shape for p in pictures.pictures] == [(50, 150, 3), (40, 60, 3)]


def test_grey_and_16_bit_pictures_become_three_planes_of_bytes(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "grey.png"), np.full((70, 70), 80, np.uint8))
    cv2.imwrite(str(tmp_path / "deep.png"), np.full((70, 70, 3), 80 * 256, np.uint16))

    crops = planes(PictureSet([tmp_path]).crops(rng(), 8, 64))

    torch.testing.assert_close(crops, torch.full_like(crops, 80 / 255))


def test_folders_are_read_to_their_depths_and_single_pictures_taken(tmp_path: Path) -> None:
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    for path in (deep / "one.PNG", tmp_path / "two.png", tmp_path / "a" / "notes.txt"):
        path.write_bytes(cv2.imencode(".png", np.zeros((8, 8, 3), np.uint8))[1].tobytes())

    assert PictureSet([tmp_path / "a"]).names == ["one.PNG"]
    assert PictureSet([tmp_path / "a", tmp_path / "two.png"]).names == ["one.PNG", "two.png"]


def test_what_is_no_picture_is_left_out_and_named(
    make_pictures: Maker, caplog: pytest.LogCaptureFixture
) -> None:
    folder = make_pictures("photos", count=1)
    (folder / "broken.jpg").write_bytes(b"no picture")

    with caplog.at_level(logging.WARNING):
        pictures = PictureSet([folder])

    assert pictures.names == ["0.png"]
    assert "broken.jpg is not a picture that can be read" in caplog.text


def test_held_out_pictures_are_left_out_wherever_they_are_reached_from(
    make_pictures: Maker, tmp_path: Path
) -> None:
    folder = make_pictures("photos")
    (tmp_path / "link").symlink_to(folder)
    listing = tmp_path / "eval.json"
    listing.write_text(json.dumps({"comment": "held out", "content": ["photos/1.png"]}))
    held_out = held_out_paths(listing)

    assert PictureSet([folder], exclude=held_out).names == ["0.png", "2.png"]
    assert PictureSet([tmp_path / "link"], exclude=held_out).names == ["0.png", "2.png"]


def test_a_held_out_list_may_be_a_bare_list(make_pictures: Maker, tmp_path: Path) -> None:
    make_pictures("photos")
    listing = tmp_path / "list.json"
    listing.write_text('["photos/0.png", "photos/gone.png"]')

    assert held_out_paths(listing) == [tmp_path / "photos/0.png", tmp_path / "photos/gone.png"]


@pytest.mark.parametrize("content", [None, "not json", "\x00"])
def test_a_held_out_list_that_cannot_be_read_is_said(tmp_path: Path, content: str | None) -> None:
    listing = tmp_path / "list.json"
    if content is not None:
        listing.write_text(content)

    with pytest.raises(SourceError, match=r"list.json: expected a JSON list of held-out pictures"):
        held_out_paths(listing)


@pytest.mark.parametrize("content", ['["photos/9.png"]', "{}", "7", '[["photos/0.png"]]'])
def test_a_held_out_list_that_holds_nothing_out_is_refused(
    make_pictures: Maker, tmp_path: Path, content: str
) -> None:
    make_pictures("photos")
    listing = tmp_path / "list.json"
    listing.write_text(content)

    with pytest.raises(SourceError, match=r"found \d paths and no file behind any: move the list"):
        held_out_paths(listing)


def test_a_missing_folder_is_said(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="nowhere: expected a folder of pictures, found nothing"):
        PictureSet([tmp_path / "nowhere"])


def test_a_folder_without_pictures_is_said(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no picture")

    with pytest.raises(SourceError, match=r"expected pictures \(.bmp .*\), found none: give a"):
        PictureSet([tmp_path])


def test_a_folder_of_held_out_pictures_alone_is_said(make_pictures: Maker) -> None:
    folder = make_pictures("photos")

    with pytest.raises(SourceError, match="found none but 3 held out"):
        PictureSet([folder], exclude=folder.iterdir())


def test_centre_crops_show_the_whole_short_side_of_pictures_across_the_set(
    tmp_path: Path,
) -> None:
    for number in range(5):
        wide = np.zeros((50, 90, 3), np.uint8)
        wide[:, 20:70] = number * 50
        cv2.imwrite(str(tmp_path / f"{number}.png"), wide)

    crops = PictureSet([tmp_path]).centre_crops(3, 50)

    assert (crops * 255).round().amin((1, 2, 3)).tolist() == [0, 100, 200]
    assert (crops * 255).round().amax((1, 2, 3)).tolist() == [0, 100, 200]
