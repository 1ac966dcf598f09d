from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

import hsi.runtime
from hsi.model import StyleNetwork
from hsi.model.checkpoint import Checkpoint, save_checkpoint
from hsi.runtime.errors import OptionError
from hsi.train.tune_cli import main
from hsi.train.tuning import TUNING_WEIGHTS, TuneOptions

WEIGHTS = Path(__file__).parents[2] / "weights" / "hsi-edge.pt"
Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def tune(
    make_pictures: Callable[..., Path],
    loss_network: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Command:
    """Run ``hsi-tune`` for two small steps on the shipped network, with words changed."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(1)
    cv2.imwrite("paint.png", rng.integers(0, 256, (80, 96, 3), dtype=np.uint8))
    words: dict[str, Any] = {
        "--network": WEIGHTS,
        "--content": make_pictures("photos"),
        "--loss-network": loss_network,
        "--steps": 2,
        "--crop": 64,
    }

    def run(*styles: str, **changes: Any) -> tuple[int, str, str]:
        changed = words | {f"--{name.replace('_', '-')}": v for name, v in changes.items()}
        argv = [str(word) for item in changed.items() for word in item]
        code = main([*(styles or ("paint.png",)), *argv, "--quiet"])
        out, err = capsys.readouterr()
        return code, out, err

    return run


def test_a_tuned_style_is_a_file_that_the_runtime_takes(tune: Command) -> None:
    code, out, err = tune()

    assert (code, err) == (0, "")
    assert out.startswith("paint.style  style loss ")
    frame = np.full((64, 64, 3), 90, np.uint8)
    with hsi.runtime.load() as stylizer:
        stylizer.set_style("paint.style")
        assert stylizer.style is not None
        assert stylizer.style.name == "paint"
        tuned = stylizer(frame)
        stylizer.set_style("paint.png")
        assert not np.array_equal(stylizer(frame), tuned)
        stylizer.set_style([("paint.style", 0.5), ("paint.png", 0.5)])


def test_the_content_weight_is_what_the_tuner_goes_by(
    tune: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[TuneOptions] = []

    def tuner(network: object, photographs: object, judge: object, options: TuneOptions) -> None:
        given.append(options)
        raise OptionError("seen enough")

    monkeypatch.setattr("hsi.train.tune_cli.StyleTuner", tuner)
    tune()
    tune(content_weight=60)

    assert given[0].weights == TUNING_WEIGHTS
    assert given[1].weights == replace(TUNING_WEIGHTS, content=60)


@pytest.mark.parametrize(
    ("styles", "changes", "code", "message"),
    [
        (("none.jpg",), {}, 2, "style 'none.jpg': expected a picture or one of"),
        (("photos",), {}, 3, "style photos: expected a picture, found none"),
        ((), {"network": "none.pt"}, 3, "none.pt: expected a checkpoint, found no such file"),
        ((), {"model": "none.hsi"}, 4, "none.hsi: "),
        ((), {"content": "nowhere"}, 3, "nowhere: expected a folder of pictures"),
        ((), {"loss_network": "none.pth"}, 3, "none.pth: expected a checkpoint"),
        ((), {"out": "nowhere"}, 2, "--out must be a folder that exists, or a .style file"),
        (("paint.png", "paint.png"), {}, 2, "two styles have one name"),
        ((), {"steps": 0}, 2, "steps must be at least 1, got 0"),
        ((), {"content_weight": -1}, 2, "the content weight must be 0 or more, got -1"),
        ((), {"stepps": 0}, 2, "unrecognized arguments: --stepps 0: see hsi-tune --help"),
    ],
)
def test_bad_input_gives_one_line_and_its_exit_code(
    tune: Command, tmp_path: Path, styles: Any, changes: Any, code: int, message: str
) -> None:
    found, out, err = tune(*styles, **changes)

    assert (found, out) == (code, "")
    assert err.count("\n") == 1
    assert message in err
    assert not list(tmp_path.glob("*.style"))


def test_a_bundle_of_another_network_is_refused(
    tune: Command, tiny: Callable[[], StyleNetwork], tmp_path: Path
) -> None:
    save_checkpoint(tmp_path / "other.pt", Checkpoint(network=tiny()))

    code, _, err = tune(network="other.pt")

    assert code == 2
    assert "other.pt: expected the network that the shipped bundle was exported from" in err
