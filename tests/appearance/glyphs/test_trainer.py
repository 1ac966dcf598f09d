"""Training goes on where it was interrupted, and refuses what is not its own."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from hsi.appearance.glyphs.options import GlyphTrainOptions
from hsi.appearance.glyphs.trainer import GlyphTrainer
from hsi.runtime.errors import OptionError, OutputError, SourceError


@pytest.fixture
def options(tmp_path: Path) -> GlyphTrainOptions:
    return GlyphTrainOptions(out=tmp_path / "m", steps=4, batch=2, save_every=2, sheet_every=100)


def interrupted_at(options: GlyphTrainOptions, step: int) -> None:
    def stop(done: int, loss: float) -> None:
        if done == step:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        GlyphTrainer(options).run(stop)


def test_an_interrupted_run_ends_with_the_same_weights(
    options: GlyphTrainOptions, tmp_path: Path
) -> None:
    whole = GlyphTrainer(replace(options, out=tmp_path / "whole")).run()

    interrupted_at(options, 3)
    resumed = GlyphTrainer(options).run()

    for name, weight in resumed.state_dict().items():
        assert torch.equal(weight, whole.state_dict()[name]), name


def test_a_run_leaves_a_log_without_rows_of_an_interrupted_future(
    options: GlyphTrainOptions,
) -> None:
    interrupted_at(options, 3)
    GlyphTrainer(options).run()

    rows = (options.run_folder / "log.csv").read_text().splitlines()
    assert rows[0].startswith("step,loss,rate")
    assert [row.split(",")[0] for row in rows[1:]] == ["2", "4"]


def test_a_run_leaves_a_sheet_of_samples(options: GlyphTrainOptions) -> None:
    GlyphTrainer(options).run()

    assert (options.run_folder / "samples_000004.png").read_bytes()[1:4] == b"PNG"


def test_another_networks_state_is_refused(options: GlyphTrainOptions) -> None:
    options.run_folder.mkdir()
    torch.save({"unet": {}, "step": 3}, options.run_folder / "state.pt")

    with pytest.raises(SourceError, match=r"state.pt: expected the state of this run"):
        GlyphTrainer(options).run()


def test_a_folder_that_cannot_be_made_is_told(options: GlyphTrainOptions, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(OutputError, match="expected a folder to write the run to"):
        GlyphTrainer(replace(options, out=tmp_path / "file" / "m")).run()


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"steps": 0}, "steps must be at least 1, got 0"),
        ({"batch": 0}, "batch must be at least 1, got 0"),
        ({"rate": 1.5}, r"rate must lie between 0 and 1, got 1\.5"),
        ({"seed": -1}, "seed must be 0 or more, got -1"),
    ],
)
def test_options_name_the_value(
    options: GlyphTrainOptions, changed: dict[str, int], message: str
) -> None:
    with pytest.raises(OptionError, match=message):
        replace(options, **changed)  # type: ignore[arg-type]
