from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pytest

from hsi.evaluate.evaluation import Evaluation
from hsi.evaluate.options import EvaluationOptions
from hsi.evaluate.page import page
from hsi.evaluate.pair_list import PairList
from hsi.evaluate.score_table import ScoreTable


class _Reader(HTMLParser):
    """Open tags, pictures and links of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.pictures: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "img":
            self.pictures.append(values["src"])
            assert values["alt"]
        elif tag == "a":
            self.links.append(values["href"])
        if tag not in ("img", "meta"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture
def evaluation() -> Evaluation:
    """Two contents by one style, with names that HTML and URLs must not take literally."""
    pairs = PairList(contents=(Path("a<b>&#1.png"), Path("50%.png")), styles=(Path('"x"?.png'),))
    return Evaluation(
        options=EvaluationOptions(pairs=pairs, vgg=Path("vgg.pth"), method=Path("model.hsi")),
        vgg_sha256="0" * 64,
        tables=(
            ScoreTable(
                method="<model>.hsi",
                styles=('"x"?',),
                contents=("a<b>&#1", "50%"),
                values=np.arange(8.0).reshape(1, 2, 4),
            ),
        ),
    )


def test_a_page_is_well_formed_and_needs_nothing_from_elsewhere(evaluation: Evaluation) -> None:
    text, reader = page(evaluation), _Reader()
    reader.feed(text)

    assert reader.open == []
    assert reader.links == ["sheet.png", "scores.json"]
    assert [unquote(src) for src in reader.pictures] == [
        "content/a<b>&#1.png",
        "content/50%.png",
        'style/"x"?.png',
        'results/a<b>&#1__"x"?.png',
        'results/50%__"x"?.png',
    ]
    for part in ("://", "<script", "<b>&#1<", "<model>"):
        assert part not in text


def test_a_page_shows_the_scores_under_each_picture(evaluation: Evaluation) -> None:
    text = page(evaluation)

    for scores in ("0.000", "1.000", "2.000", "3.000"), ("4.000", "5.000", "6.000", "7.000"):
        assert (
            f"<dt>content loss</dt><dd>{scores[0]}</dd><dt>style loss</dt><dd>{scores[1]}" in text
        )
        assert f"<dt>SSIM</dt><dd>{scores[2]}</dd><dt>VGG distance</dt><dd>{scores[3]}" in text


def test_a_page_is_for_phones_and_for_the_dark(evaluation: Evaluation) -> None:
    text = page(evaluation)

    assert '<meta name="viewport" content="width=device-width, initial-scale=1">' in text
    assert "prefers-color-scheme: dark" in text
    assert "color-scheme: light dark" in text
