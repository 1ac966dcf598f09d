"""The command trains, scores, and tells in one line what it cannot do."""

from pathlib import Path

import pytest

from hsi.appearance import load_model
from hsi.appearance.glyphs.__main__ import main


def test_a_trained_model_opens_like_any_other(tmp_path: Path) -> None:
    assert main(["train", "-o", str(tmp_path / "m"), "--steps", "1", "--batch", "1"]) == 0

    model = load_model(tmp_path / "m")
    assert model.schedule.prediction == "sample"
    assert len(model.layers) == 4
    weights = tmp_path / "m" / "unet" / "diffusion_pytorch_model.safetensors"
    assert weights.stat().st_size < 5_000_000


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["score", "--model", "m", "--pairs", "0"], 2, "count must be at least 1, got 0"),
        (["score", "--model", "m", "--threads", "0"], 2, "--threads must be at least 1, got 0"),
        (["score", "--model", "nowhere"], 3, "nowhere: expected a folder with a diffusion model"),
        (["train", "-o", "m", "--steps", "0"], 2, "steps must be at least 1, got 0"),
        (["train"], 2, "arguments are required: -o/--out"),
        (["paint"], 2, "invalid choice: 'paint'"),
    ],
)
def test_a_wrong_word_is_told_in_one_line(
    words: list[str], code: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == code

    told = capsys.readouterr().err.strip()
    assert message in told
    assert len(told.splitlines()) == 1
