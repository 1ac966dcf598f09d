import csv
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from hsi.model import PRESETS, StyleNetwork, build_network
from hsi.model.checkpoint import Checkpoint, load_checkpoint, load_values, save_checkpoint
from hsi.model.network import FRAME_SHARE
from hsi.train.cli import main
from hsi.train.options import TrainOptions
from hsi.train.trainer import Trainer

Words = Callable[..., list[str]]
Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def words(make_pictures: Callable[..., Path], loss_network: Path, tmp_path: Path) -> Words:
    """Of a command line for two small steps, some changed or left out (None)."""
    chosen: dict[str, Any] = {
        "--content": make_pictures("photos"),
        "--style": make_pictures("paintings", first=10),
        "--loss-network": loss_network,
        "--out": tmp_path / "model.pt",
        "--steps": 2,
        "--batch": 1,
        "--crop": 64,
        "--adversarial-weight": 0,
    }

    def argv(**changes: Any) -> list[str]:
        changed = chosen | {f"--{name.replace('_', '-')}": v for name, v in changes.items()}
        return [str(word) for item in changed.items() if item[1] is not None for word in item]

    return argv


@pytest.fixture
def train(words: Words, capsys: pytest.CaptureFixture[str]) -> Command:
    """Run ``hsi-train`` with them."""

    def run(*more: str, **changes: Any) -> tuple[int, str, str]:
        code = main([*words(**changes), "--quiet", *more])
        out, err = capsys.readouterr()
        return code, out, err

    return run


def test_a_run_prints_its_checkpoint_and_leaves_a_log(train: Command, tmp_path: Path) -> None:
    code, out, err = train()

    assert (code, out, err) == (0, f"{tmp_path / 'model.pt'}\n", "")
    assert load_checkpoint(tmp_path / "model.pt").network.options == PRESETS["hsi-edge"]
    with (tmp_path / "model.run" / "log.csv").open() as file:
        assert [row["step"] for row in csv.DictReader(file)] == ["1", "2"]


def test_a_run_writes_safetensors_by_their_suffix(train: Command, tmp_path: Path) -> None:
    code, _, _ = train(out=tmp_path / "model.safetensors")

    assert code == 0
    assert load_checkpoint(tmp_path / "model.safetensors").provenance["step"] == 2


def test_a_run_may_start_from_a_checkpoint(
    train: Command, tiny: Callable[[], StyleNetwork], tmp_path: Path
) -> None:
    save_checkpoint(tmp_path / "first.pt", Checkpoint(network=tiny()))

    code, _, _ = train(init=tmp_path / "first.pt")

    assert code == 0
    assert load_checkpoint(tmp_path / "model.pt").network.options == tiny().options


def test_a_trained_network_may_be_given_a_correction_of_its_codes(
    train: Command, tiny: Callable[[], StyleNetwork], tmp_path: Path
) -> None:
    save_checkpoint(tmp_path / "first.pt", Checkpoint(network=tiny()))

    code, _, _ = train(init=tmp_path / "first.pt", code_hidden=8)

    assert code == 0
    made = load_checkpoint(tmp_path / "model.pt").network
    assert made.options == replace(tiny().options, code_hidden=8)
    assert made.code_mixer is not None
    assert made.code_mixer.out.weight.any()  # it was trained


def test_a_trained_network_may_be_given_another_floor_of_its_deviations(
    train: Command, tiny: Callable[[], StyleNetwork], tmp_path: Path
) -> None:
    save_checkpoint(tmp_path / "first.pt", Checkpoint(network=tiny()))

    code, _, _ = train(init=tmp_path / "first.pt", deviation_floor=0.25, rate=1e-9)

    assert code == 0
    made = load_checkpoint(tmp_path / "model.pt").network
    assert made.options.injector == replace(tiny().options.injector, deviation_floor=0.25)
    kept = zip(made.parameters(), tiny().parameters(), strict=True)
    assert all(torch.allclose(one, other, atol=1e-6) for one, other in kept)


def test_an_ablation_is_a_word_of_the_command_line(train: Command, tmp_path: Path) -> None:
    code, _, _ = train(relation="global", statistics="skewness", transfer="hsi")

    assert code == 0
    options = load_checkpoint(tmp_path / "model.pt").network.options
    assert options.injector.relation == "global"
    assert options.injector.statistics == ("skewness",)


@pytest.mark.parametrize(
    ("changes", "code", "message"),
    [
        ({"content": "nowhere"}, 3, "nowhere: expected a folder of pictures, found nothing there"),
        ({"style": "empty"}, 3, "empty: expected pictures (.bmp"),
        ({"loss_network": "none.pth"}, 3, "none.pth: expected a checkpoint, found no such file"),
        ({"loss_network": "empty/notes.txt"}, 3, "notes.txt: expected tensors alone, found"),
        ({"encoder": "whole.pth"}, 3, "whole.pth: expected VGG-19 compressed 16 times with 14"),
        ({"preset": "hsi-vgg"}, 3, "compressed.pth: expected VGG-19 normalised as AdaIN's"),
        ({"init": "none.pt"}, 3, "none.pt: expected a checkpoint, found no such file"),
        (
            {"teacher": "none.pt", "teacher_weight": 1},
            3,
            "none.pt: expected a checkpoint, found no",
        ),
        ({"teacher": "none.pt"}, 2, "a teacher must come with a teacher weight above 0"),
        ({"exclude": "none.json"}, 3, "none.json: expected a JSON list of held-out pictures"),
        ({"crop": 100}, 2, "crop must be a multiple of 8 from 64, got 100"),
        ({"steps": 0}, 2, "steps must be at least 1, got 0"),
        ({"steps": "many"}, 2, "argument --steps: invalid int value: 'many': see hsi-train --help"),
        ({"style_weight": -1}, 2, "the style weight must be 0 or more, got -1.0"),
        ({"out": "model.onnx"}, 2, "--out must end in one of .pt .pth .safetensors, got 'model.on"),
        ({"out": None}, 2, "the following arguments are required: -o/--out: see hsi-train --help"),
        ({"device": "abacus"}, 2, "device must be one torch has here, got 'abacus'"),
        ({"threads": 0}, 2, "--threads must be at least 1, got 0"),
        ({"stile": "x"}, 2, "unrecognized arguments: --stile x: see hsi-train --help"),
        ({"out": "empty/notes.txt/model.pt"}, 6, "model.run: expected a folder to write the run"),
    ],
)
def test_bad_input_gives_one_line_and_its_exit_code(
    train: Command,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    changes: dict[str, Any],
    code: int,
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "notes.txt").write_text("no picture")
    whole = {f"{n}.{kind}": torch.zeros(3) for n in range(10) for kind in ("weight", "bias")}
    torch.save(whole, tmp_path / "whole.pth")

    found, out, err = train(**changes)

    assert (found, out) == (code, "")
    assert err.startswith("hsi-train: ")
    assert message in err
    assert err.count("\n") == 1
    assert not (tmp_path / "model.pt").exists()


@pytest.mark.parametrize(
    ("init", "message"),
    [
        (None, "first_weights must go with hsi-vgg and its HSI modules, got hsi-edge"),
        (
            "first.pt",
            "--first-weights must go with a fresh network, or with .* with neither",
        ),
    ],
)
def test_first_weights_are_for_a_fresh_hsi_vgg(
    train: Command,
    tiny: Callable[[], StyleNetwork],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    init: str | None,
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    save_checkpoint(tmp_path / "first.pt", Checkpoint(network=tiny()))

    code, out, err = train("--first-weights", init=init)

    assert (code, out) == (2, "")
    assert re.match(f"hsi-train: {message}", err)
    assert err.count("\n") == 1


def test_first_weights_are_refused_before_any_file_is_read(train: Command) -> None:
    code, _, err = train("--first-weights", loss_network="none.pth")

    assert code == 2
    assert err.startswith("hsi-train: first_weights must go with hsi-vgg")


def test_a_skip_is_for_hsi_vgg(
    train: Command, tiny: Callable[[], StyleNetwork], tmp_path: Path
) -> None:
    save_checkpoint(tmp_path / "first.pt", Checkpoint(network=tiny()))

    for init, message in (
        (tmp_path / "first.pt", "--skip must go with hsi-vgg, got --init with hsi-edge"),
        (None, "skip must be true or false, true for hsi-vgg alone, got True"),
    ):
        code, out, err = train("--skip", init=init)

        assert (code, out) == (2, "")
        assert err.startswith(f"hsi-train: {message}")


def test_any_network_may_be_given_the_palette(
    train: Command, tiny: Callable[[], StyleNetwork], tmp_path: Path
) -> None:
    save_checkpoint(tmp_path / "first.pt", Checkpoint(network=tiny()))

    for init, out in ((tmp_path / "first.pt", tmp_path / "a.pt"), (None, tmp_path / "b.pt")):
        code, _, err = train("--match-palette", "channels", init=init, steps=1, out=out)

        assert code == 0, err
        assert load_checkpoint(out).network.options.match_palette == "channels"


def test_a_trained_network_is_given_a_share_of_the_frame(
    train: Command, tiny: Callable[[], StyleNetwork], tmp_path: Path
) -> None:
    save_checkpoint(tmp_path / "first.pt", Checkpoint(network=tiny()))
    out = tmp_path / "second.pt"

    code, _, err = train("--add-frame", init=tmp_path / "first.pt", steps=1, out=out)

    assert (code, err) == (0, "")
    network = load_checkpoint(out).network
    assert network.options.add_frame
    assert network.frame_share is not None
    assert network.frame_share.tolist() == pytest.approx([FRAME_SHARE] * 3, abs=0.02)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ("--refinements 1 --first-weights", "--refinements must go with hsi-vgg, got .* hsi-edge"),
        ("--refinements 1", "--refinements must come with --first-weights where --init has none"),
        ("--refinements 1 --skip --first-weights", "--first-weights must go with .* with both"),
    ],
)
def test_refinements_are_added_to_hsi_vgg_alone_and_with_first_weights(
    train: Command, tiny: Callable[[], StyleNetwork], tmp_path: Path, flags: str, message: str
) -> None:
    save_checkpoint(tmp_path / "first.pt", Checkpoint(network=tiny()))

    code, out, err = train(*flags.split(), init=tmp_path / "first.pt")

    assert (code, out) == (2, "")
    assert re.match(f"hsi-train: {message}", err)
    assert err.count("\n") == 1


def test_refinements_are_as_many_as_a_trained_network_has(train: Command, tmp_path: Path) -> None:
    network = build_network(replace(PRESETS["hsi-vgg"], refinements=2))
    save_checkpoint(tmp_path / "first.pt", Checkpoint(network=network))

    code, _, err = train("--refinements", "1", init=tmp_path / "first.pt")

    assert code == 2
    assert re.match("hsi-train: --refinements must be the 2 of --init, got 1: leave it away", err)


def test_a_skip_is_not_taken_from_a_trained_network(train: Command, tmp_path: Path) -> None:
    network = build_network(replace(PRESETS["hsi-vgg"], skip=True))
    save_checkpoint(tmp_path / "first.pt", Checkpoint(network=network))

    code, out, err = train("--no-skip", init=tmp_path / "first.pt")

    assert (code, out) == (2, "")
    assert "--no-skip must go with a fresh network, got --init with one trained with --skip" in err
    assert not (tmp_path / "model.pt").exists()


def test_a_trained_network_may_be_given_a_skip_and_the_palette(
    train: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[tuple[TrainOptions, StyleNetwork]] = []
    monkeypatch.setattr(Trainer, "__init__", lambda _, *given: begun.append(given))
    monkeypatch.setattr(Trainer, "run", lambda *_: None)
    save_checkpoint(tmp_path / "first.pt", Checkpoint(network=build_network(PRESETS["hsi-vgg"])))

    code, _, err = train(
        "--skip", "--first-weights", init=tmp_path / "first.pt", match_palette="covariance"
    )

    assert code == 0, err
    ((options, network),) = begun
    assert options.first_weights == "skip"
    assert network.options == replace(PRESETS["hsi-vgg"], skip=True, match_palette="covariance")


def test_a_full_disk_is_said_and_leaves_no_checkpoint(
    train: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(values: object, path: Path) -> None:
        raise RuntimeError("PytorchStreamWriter failed writing file: No space left on device\nat")

    monkeypatch.setattr(torch, "save", full)
    code, _, err = train()

    assert code == 6
    assert "state.pt: expected to write a file, could not: PytorchStream" in err
    assert err.count("\n") == 1
    assert not (tmp_path / "model.pt").exists()


def test_too_little_memory_is_said(train: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(self: Trainer, *_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory.\nTried to allocate 2.00 GiB")

    monkeypatch.setattr(Trainer, "run", run)
    code, _, err = train()

    assert code == 4
    assert err.endswith("found too little: lower --batch or --crop\n")


def test_an_interrupted_run_loses_no_step(train: Command, words: Words, tmp_path: Path) -> None:
    state = tmp_path / "model.run" / "state.pt"
    command = [sys.executable, "-m", "hsi.train.command", *words(steps=5000, save_every=3)]
    with subprocess.Popen([*command, "--quiet"], stderr=subprocess.PIPE, text=True) as process:
        while not state.exists():
            assert process.poll() is None
            time.sleep(0.02)
        process.terminate()
        _, err = process.communicate(timeout=60)

    assert process.returncode == 128 + signal.SIGTERM
    assert err == "hsi-train: interrupted: the same command goes on from the last saved state\n"
    reached = load_values(state)["step"]
    assert len((tmp_path / "model.run" / "log.csv").read_text().splitlines()) == 1 + reached

    assert train(steps=reached + 1)[0] == 0
    assert load_values(state)["step"] == reached + 1


def test_help_names_every_default(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["--help"])

    text = " ".join(capsys.readouterr().out.split())
    assert "--style-weight W weight of the style loss (default: 60.0)" in text
    assert "--crop N side of a training crop in pixels, a multiple of 8 (default: 160)" in text
