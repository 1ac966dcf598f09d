from pathlib import Path

import cv2
import numpy as np
import pytest

from hsi.evaluate.picture import read_picture, squared
from hsi.runtime.errors import SourceError


def test_the_middle_square_of_the_right_size_keeps_every_value() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (64, 90, 3), dtype=np.uint8)

    np.testing.assert_array_equal(squared(picture, 64), picture[:, 13:77])
    np.testing.assert_array_equal(squared(squared(picture, 64), 64), picture[:, 13:77])


def test_larger_pictures_are_averaged() -> None:
    picture = np.zeros((128, 128, 3), np.uint8)
    picture[::2, ::2] = 200

    assert (squared(picture, 64) == 50).all()


def test_smaller_pictures_are_enlarged_by_cubic_interpolation() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (70, 40, 3), dtype=np.uint8)

    np.testing.assert_array_equal(
        squared(picture, 64), cv2.resize(picture[15:55], (64, 64), interpolation=cv2.INTER_CUBIC)
    )


def test_what_is_no_picture_is_refused(tmp_path: Path) -> None:
    (tmp_path / "words.png").write_text("words")

    with pytest.raises(
        SourceError, match=r"gone\.png: expected a picture, cannot read it: No such"
    ):
        read_picture(tmp_path / "gone.png")
    with pytest.raises(
        SourceError, match=r"words\.png: expected a picture, found 5 bytes that are"
    ):
        read_picture(tmp_path / "words.png")
