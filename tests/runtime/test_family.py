from pathlib import Path

import pytest

from hsi.runtime.errors import BundleError
from hsi.runtime.family import asks_for_pictures, family_of

SHIPPED = Path(__file__).parents[2] / "runtime" / "data" / "hsi-edge.hsi"


def test_the_shipped_bundle_is_of_the_style_family() -> None:
    assert family_of(SHIPPED) == "style"


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["--camera", "0"],
        ["--model"],
        ["--model", "none.hsi"],
        ["--model=none.hsi"],
        ["--model", str(SHIPPED)],
    ],
)
def test_words_that_name_no_cross_image_bundle_ask_for_frames(words: list[str]) -> None:
    assert not asks_for_pictures(words)


def test_a_bundle_that_is_not_there_is_named() -> None:
    with pytest.raises(BundleError, match=r"none\.hsi"):
        family_of("none.hsi")
