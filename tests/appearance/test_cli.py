from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from hsi.appearance.cli import main


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """`structure.png` and `style.png`."""
    for seed, name in enumerate(("structure", "style")):
        small = np.random.default_rng(seed).integers(0, 256, (6, 6, 3)).astype(np.uint8)
        cv2.imwrite(str(tmp_path / f"{name}.png"), cv2.resize(small, (60, 40)))
    return tmp_path


def run(pictures: Path, *words: object) -> int:
    given = ["--style", pictures / "style.png", pictures / "structure.png"]
    given += ["-o", pictures / "out.png", "--steps", "3", "-q"]
    return main([str(word) for word in (*words, *given)])


def test_a_model_runs_from_its_folder(folder: Path, pictures: Path) -> None:
    assert run(pictures, "--model", folder, "--noun", "cat") == 0

    made = cv2.imread(str(pictures / "out.png"))
    assert made is not None
    assert made.shape == (32, 32, 3)
    assert made.std() > 1


def test_it_makes_any_size_the_model_takes(folder: Path, pictures: Path) -> None:
    assert run(pictures, "--model", folder, "--size", "48x32") == 0

    made = cv2.imread(str(pictures / "out.png"))
    assert made is not None
    assert made.shape == (32, 48, 3)


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (["--size", "33x32"], 2, "--size must be multiples of 4 pixels for this model, got 33x32"),
        (["--size", "32"], 2, "--size must be WIDTHxHEIGHT"),
        (["--noun", ""], 2, "noun must be a word"),
        (["--engine", "onnxruntime-cpu"], 2, "--engine and --threads are of bundles"),
        (["--few-step", "2"], 2, "--few-step takes a number from 1, and neither --steps"),
        (["--renoise"], 2, "--renoise is of --few-step"),
    ],
)
def test_a_wrong_word_is_one_line(
    folder: Path,
    pictures: Path,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    code: int,
    text: str,
) -> None:
    before = set(pictures.iterdir())

    assert run(pictures, "--model", folder, *words) == code

    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("hsi-appearance: ")
    assert text in line
    assert set(pictures.iterdir()) == before


def test_a_folder_that_is_no_model_is_refused(
    pictures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(pictures, "--model", pictures) == 3

    assert "found no model_index.json" in capsys.readouterr().err
    assert not (pictures / "out.png").exists()
