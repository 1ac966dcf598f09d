"""Invented pictures, a VGG-19 of random weights, and ways to run the command."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from hsi.evaluate.cli import main
from hsi.evaluate.options import EvaluationOptions
from hsi.evaluate.pair_list import PairList
from hsi.runtime.frame import Image

Command = Callable[..., tuple[int, str, str]]


def _invented(number: int, height: int = 72, width: int = 88) -> Image:
    """Coloured blocks and noise, another for every number."""
    rng = np.random.default_rng(number)
    blocks = rng.integers(0, 256, (5, 6, 3), dtype=np.uint8)
    large = cv2.resize(blocks, (width, height), interpolation=cv2.INTER_NEAREST)
    return np.asarray(np.clip(large + rng.normal(0, 12, large.shape), 0, 255), np.uint8)


@pytest.fixture
def invented() -> Callable[..., Image]:
    """Make the invented picture of a number, a height and a width."""
    return _invented


@pytest.fixture
def make_pictures(tmp_path: Path) -> Callable[..., list[Path]]:
    """Write invented pictures into a folder of the test's own; their paths."""

    def make(folder: str, *names: str, first: int = 0) -> list[Path]:
        paths = [tmp_path / folder / name for name in names]
        for number, path in enumerate(paths, first):
            path.parent.mkdir(parents=True, exist_ok=True)
            assert cv2.imwrite(str(path), _invented(number))
        return paths

    return make


@pytest.fixture
def pairs(make_pictures: Callable[..., list[Path]]) -> PairList:
    """Three content pictures by two styles."""
    return PairList(
        contents=tuple(make_pictures("photos", "boat.png", "cat.png", "hill.png")),
        styles=tuple(make_pictures("paintings", "night.png", "wave.png", first=10)),
    )


@pytest.fixture
def make_options(pairs: PairList, vgg: Path) -> Callable[..., EvaluationOptions]:
    """Options of an evaluation of a second: the baseline on small pictures."""

    def make(**changes: Any) -> EvaluationOptions:
        values: dict[str, Any] = {"pairs": pairs, "vgg": vgg, "size": 64, "baseline": True}
        return EvaluationOptions(**values | changes)

    return make


@pytest.fixture
def hsi_eval(
    pairs: PairList, vgg: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Command:
    """Run ``hsi-eval`` on small pictures, with words changed or left out (None)."""
    words: dict[str, Any] = {
        "--content": tmp_path / "photos",
        "--style": tmp_path / "paintings",
        "--vgg": vgg,
        "--size": 64,
    }

    def run(*more: str | Path, **changes: Any) -> tuple[int, str, str]:
        changed = words | {f"--{name.replace('_', '-')}": v for name, v in changes.items()}
        argv = [str(word) for item in changed.items() if item[1] is not None for word in item]
        code = main([*map(str, more), "--quiet", *argv])
        out, err = capsys.readouterr()
        return code, out, err

    return run


@pytest.fixture
def finished(pairs: PairList, tmp_path: Path) -> Path:
    """A folder of another method's results: inverted content pictures."""
    folder = tmp_path / "finished"
    folder.mkdir()
    for number, content in enumerate(pairs.contents):
        for style in pairs.styles:
            inverted = 255 - cv2.resize(_invented(number), (64, 64))
            assert cv2.imwrite(str(folder / f"{content.stem}__{style.stem}.png"), inverted)
    return folder
