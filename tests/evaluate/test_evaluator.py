from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

import hsi.evaluate
import hsi.runtime
from hsi.evaluate.evaluator import evaluate, prepare, result_count
from hsi.evaluate.features import FeatureNetwork
from hsi.evaluate.options import EvaluationOptions
from hsi.evaluate.pair_list import PairList
from hsi.evaluate.picture import read_picture, squared
from hsi.runtime.errors import OptionError, SourceError
from hsi.runtime.frame import Image
from hsi.runtime.style_file import save_style
from hsi.runtime.stylizer import Stylizer

Make = Callable[..., EvaluationOptions]


def test_the_package_offers_its_names_and_no_others() -> None:
    assert hsi.evaluate.evaluate is evaluate
    assert hsi.evaluate.PairList is PairList
    with pytest.raises(AttributeError, match="has no attribute 'score'"):
        hsi.evaluate.score  # noqa: B018


def test_the_baseline_keeps_its_content_and_has_no_style(make_options: Make) -> None:
    (table,) = evaluate(make_options()).tables

    mean = table.mean()
    assert (mean.content_loss, mean.vgg_distance) == (0, 0)
    assert mean.ssim == pytest.approx(1)
    assert (table.values[..., 1] > 0).all()
    assert (table.styles, table.contents) == (("night", "wave"), ("boat", "cat", "hill"))


def test_a_style_s_own_picture_has_no_style_loss(
    make_options: Make, pairs: PairList, tmp_path: Path
) -> None:
    prepare(pairs, 64, tmp_path / "in")
    folder = tmp_path / "made"
    folder.mkdir()
    for content in pairs.contents:
        for style in pairs.styles:
            data = (tmp_path / "in" / "style" / f"{style.stem}.png").read_bytes()
            (folder / f"{content.stem}__{style.stem}.png").write_bytes(data)

    (table,) = evaluate(make_options(method=folder, baseline=False)).tables

    assert table.mean().style_loss == pytest.approx(0, abs=1e-9)
    assert table.mean().content_loss > 0


def test_results_are_scored_by_their_own_pair(
    make_options: Make, finished: Path, pairs: PairList
) -> None:
    # One result is its content picture: that pair alone has no content loss.
    name = f"{pairs.contents[2].stem}__{pairs.styles[1].stem}.png"
    picture = cv2.imread(str(pairs.contents[2]))
    assert picture is not None
    cv2.imwrite(
        str(finished / name), cv2.resize(picture[:, 8:80], (64, 64), interpolation=cv2.INTER_AREA)
    )

    values = evaluate(make_options(method=finished)).tables[0].values

    assert values[1, 2, 0] == 0
    assert (np.delete(values[..., 0].ravel(), 5) > 0).all()


def test_prepared_pictures_score_as_the_originals(
    make_options: Make, pairs: PairList, finished: Path, tmp_path: Path
) -> None:
    prepare(pairs, 64, tmp_path / "in")
    prepared = PairList(
        contents=tuple(sorted((tmp_path / "in" / "content").iterdir())),
        styles=tuple(sorted((tmp_path / "in" / "style").iterdir())),
    )

    first, again = (
        evaluate(make_options(pairs=listed, method=finished)) for listed in (pairs, prepared)
    )

    assert first.to_dict()["results"] == again.to_dict()["results"]


def test_a_bundle_encodes_each_style_once_and_vgg_sees_each_picture_once(
    make_options: Make, shipped: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoded: list[Image] = []
    seen: list[Image] = []
    told: list[int] = []
    encode, levels = Stylizer.encode_style, FeatureNetwork.levels

    def count_styles(self: Stylizer, style: Any) -> Any:
        if isinstance(style, np.ndarray):
            encoded.append(style)
        return encode(self, style)

    def count_pictures(self: FeatureNetwork, picture: Image) -> Any:
        seen.append(picture)
        return levels(self, picture)

    monkeypatch.setattr(Stylizer, "encode_style", count_styles)
    monkeypatch.setattr(FeatureNetwork, "levels", count_pictures)
    options = make_options(method=shipped)
    evaluation = evaluate(options, told.append)

    assert len(encoded) == 2
    assert len(seen) == 2 + 3 + 6  # styles, content pictures, results; the baseline for nothing
    assert told == list(range(1, result_count(options) + 1))
    assert [table.method for table in evaluation.tables] == [
        shipped.name,
        "the content picture itself",
    ]
    assert evaluation.tables[0].mean().content_loss > 0


def test_codes_that_were_tuned_take_the_place_of_the_bundle_s(
    make_options: Make, pairs: PairList, shipped: Path, tmp_path: Path
) -> None:
    one = PairList(contents=pairs.contents[:1], styles=pairs.styles[:1])
    with hsi.runtime.load(shipped) as stylizer:
        other = stylizer.encode_style(pairs.styles[1])
        save_style(tmp_path / "night.style", other)
        stylizer.set_style(other)
        expected = stylizer(squared(read_picture(pairs.contents[0]), 64))

    evaluation = evaluate(
        make_options(pairs=one, method=shipped, codes=tmp_path, out=tmp_path / "report")
    )

    made = cv2.imread(str(tmp_path / "report" / "results" / "boat__night.png"))
    assert made is not None
    assert np.array_equal(made, expected)
    assert evaluation.tables[0].method == f"{shipped.name}, codes tuned"
    assert evaluation.to_dict()["protocol"]["codes"] == "tuned"


def test_a_style_without_a_code_is_named(make_options: Make, shipped: Path, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"night.style: cannot be read: .*a file of hsi-tune"):
        evaluate(make_options(method=shipped, codes=tmp_path))


def test_a_bundle_s_strength_counts(make_options: Make, pairs: PairList, shipped: Path) -> None:
    one = pairs.thinned(styles=1, every=3)

    evaluation = evaluate(make_options(pairs=one, method=shipped, strength=0.0))

    np.testing.assert_array_equal(evaluation.tables[0].values, evaluation.tables[1].values)
    assert evaluation.to_dict()["protocol"]["strength"] == 0


def test_a_report_holds_pictures_scores_a_sheet_and_a_page(
    make_options: Make, finished: Path, tmp_path: Path
) -> None:
    out = tmp_path / "report"
    evaluation = evaluate(make_options(method=finished, out=out))

    found = sorted(str(path.relative_to(out)) for path in out.rglob("*") if path.is_file())
    assert found == [
        "content/boat.png", "content/cat.png", "content/hill.png", "index.html",
        "results/boat__night.png", "results/boat__wave.png", "results/cat__night.png",
        "results/cat__wave.png", "results/hill__night.png", "results/hill__wave.png",
        "scores.json", "sheet.png", "style/night.png", "style/wave.png",
    ]  # fmt: skip
    assert json.loads((out / "scores.json").read_text()) == evaluation.to_dict()
    again = evaluate(make_options(method=out / "results"))
    np.testing.assert_array_equal(again.tables[0].values, evaluation.tables[0].values)


def test_a_report_is_refused_before_anything_is_scored(
    make_options: Make, finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FeatureNetwork, "levels", lambda self, picture: pytest.fail("scored"))

    with pytest.raises(OptionError, match="finished/ exists: pass --force to replace it"):
        evaluate(make_options(method=finished, out=finished))


def test_a_missing_result_is_named_and_the_others_counted(
    make_options: Make, finished: Path
) -> None:
    (finished / "cat__wave.png").unlink()
    with pytest.raises(
        SourceError, match=r"finished/: expected cat__wave\.png, found none: name results by the st"
    ):
        evaluate(make_options(method=finished))

    (finished / "boat__night.png").unlink()
    with pytest.raises(SourceError, match=r"expected boat__night\.png and 1 more, found none"):
        evaluate(make_options(method=finished))


def test_a_result_of_another_size_is_refused(make_options: Make, finished: Path) -> None:
    cv2.imwrite(str(finished / "hill__wave.png"), np.zeros((64, 72, 3), np.uint8))

    with pytest.raises(
        SourceError, match=r"wave\.png: expected 64x64 pixels, found 72x64: make it"
    ):
        evaluate(make_options(method=finished))


def test_a_damaged_result_is_told_before_anything_is_scored(
    make_options: Make, finished: Path
) -> None:
    (finished / "hill__wave.png").write_bytes(b"words")
    told: list[int] = []

    with pytest.raises(SourceError, match=r"wave\.png: expected a picture, found 5 bytes that are"):
        evaluate(make_options(method=finished), told.append)
    assert told == []


def test_jpeg_results_are_taken_and_png_goes_first(make_options: Make, finished: Path) -> None:
    cv2.imwrite(str(finished / "hill__wave.jpg"), np.zeros((9, 9, 3), np.uint8))
    (finished / "cat__wave.png").unlink()
    cv2.imwrite(str(finished / "cat__wave.JPG"), np.zeros((64, 64, 3), np.uint8))

    assert len(evaluate(make_options(method=finished)).tables) == 2


def test_a_method_that_is_not_there_is_told(make_options: Make) -> None:
    with pytest.raises(
        SourceError, match=r"gone\.hsi: expected a \.hsi bundle or a folder of resu"
    ):
        evaluate(make_options(method=Path("gone.hsi")))
