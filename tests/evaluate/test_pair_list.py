import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hsi.evaluate.pair_list import PairList, pair_list_from_json, pair_name, picture_paths
from hsi.runtime.errors import OptionError, SourceError

Make = Callable[..., list[Path]]


def paths(*names: str) -> tuple[Path, ...]:
    return tuple(map(Path, names))


def test_a_pair_is_named_by_the_stems_of_its_pictures() -> None:
    assert pair_name(Path("a/Mr._Lee.jpg"), Path("b/wave.png")) == "Mr._Lee__wave"


def test_a_list_is_thinned_to_the_first_styles_by_every_kth_content() -> None:
    whole = PairList(
        contents=paths(*(f"{n}.jpg" for n in range(20))),
        styles=paths(*(f"s{n}.jpg" for n in range(20))),
    )

    thinned = whole.thinned(styles=8, every=5)

    assert thinned.contents == paths("0.jpg", "5.jpg", "10.jpg", "15.jpg")
    assert thinned.styles == whole.styles[:8]
    assert len(thinned) == 32
    assert whole.thinned() == whole


def test_a_list_cannot_be_thinned_to_nothing_or_to_more_than_there_is() -> None:
    two = PairList(contents=paths("a.png"), styles=paths("b.png", "c.png"))

    with pytest.raises(OptionError, match="--every must be at least 1, got 0"):
        two.thinned(every=0)
    for styles in (0, 3):
        with pytest.raises(
            OptionError, match=f"--styles must be from 1 to the 2 styles there are, got {styles}"
        ):
            two.thinned(styles=styles)


def test_an_empty_side_is_refused() -> None:
    with pytest.raises(OptionError, match="style: expected at least one picture, found none"):
        PairList(contents=paths("a.png"), styles=())


def test_two_pictures_of_one_name_are_refused() -> None:
    with pytest.raises(
        OptionError, match=r"content: expected pictures of different names, found a/x\.png and b/x"
    ):
        PairList(contents=paths("a/x.png", "b/x.jpg"), styles=paths("y.png"))


def test_two_pairs_of_one_name_are_refused() -> None:
    with pytest.raises(OptionError, match=r"a__b__c: expected a name for each pair .* 2 pairs"):
        PairList(contents=paths("a.png", "a__b.png"), styles=paths("c.png", "b__c.png"))


def test_folders_are_read_to_their_depths_and_lists_from_where_they_lie(
    make_pictures: Make, tmp_path: Path
) -> None:
    made = make_pictures("in", "b.png", "a.jpg", "deep/c.png")
    (tmp_path / "in" / "notes.md").touch()
    (tmp_path / "some.txt").write_text("in/deep/c.png\n\nin/b.png\n")

    assert picture_paths([tmp_path / "in"]) == (made[1], made[0], made[2])
    assert picture_paths([tmp_path / "some.txt", made[1]]) == (made[2], made[0], made[1])


def test_a_place_without_pictures_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bare").mkdir()
    (tmp_path / "list.txt").write_text("gone.png")

    with pytest.raises(SourceError, match="nowhere: expected a picture, a folder or a list, found"):
        picture_paths([tmp_path / "nowhere"])
    with pytest.raises(SourceError, match=r"bare: expected pictures such as \.jpg or \.png, found"):
        picture_paths([tmp_path / "bare"])
    with pytest.raises(SourceError, match=r"list\.txt: expected pictures relative .*gone\.png"):
        picture_paths([tmp_path / "list.txt"])


def test_a_json_list_starts_at_its_own_folder(make_pictures: Make, tmp_path: Path) -> None:
    a, b, c = make_pictures("in", "a.png", "b.png", "c.png")
    values = {"content": ["in/a.png"], "style": ["in/b.png"], "tuning_content": ["in/c.png"]}
    listing = tmp_path / "list.json"
    listing.write_text(json.dumps(values | {"tuning_style": ["in/b.png"], "comment": "words"}))

    assert pair_list_from_json(listing) == PairList(contents=(a,), styles=(b,))
    assert pair_list_from_json(listing, "tuning") == PairList(contents=(c,), styles=(b,))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (None, r"list\.json: expected a JSON list of pictures, found .*No such file"),
        ("{", r"list\.json: expected a JSON list of pictures, found Expecting property name"),
        ([], r'list\.json: expected a list of paths "content", found none'),
        (
            {"tuning_content": []},
            '"content", found lists tuning_content: choose another file or --',
        ),
        ({"content": "a.png"}, 'expected a list of paths "content", found none'),
        ({"content": [1]}, 'expected a list of paths "content", found none'),
        ({"content": ["a.png"]}, r"expected pictures relative to .*, found no file .*a\.png"),
        ({"content": []}, 'expected a list of paths "style", found lists content'),
    ],
)
def test_a_json_file_that_is_no_list_is_refused(tmp_path: Path, values: Any, message: str) -> None:
    listing = tmp_path / "list.json"
    if values is not None:
        listing.write_text(values if isinstance(values, str) else json.dumps(values))

    with pytest.raises(SourceError, match=message):
        pair_list_from_json(listing)
