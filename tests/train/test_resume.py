"""A run that was interrupted goes on as if it had not been."""

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from threading import Event

import pytest
import torch

from hsi.model import StyleNetwork
from hsi.runtime.errors import OutputError, SourceError
from hsi.train.options import LossWeights, TrainOptions
from hsi.train.trainer import Trainer
from tests.train.results import log_of, same

Options = Callable[..., TrainOptions]
Network = Callable[[], StyleNetwork]

# Trains like the tests here, and is killed in its seventh step, two after the last saved state.
KILLED_RUN = """
import os, signal, sys
from pathlib import Path
import torch
sys.path.insert(0, sys.argv[1])
from conftest import tiny_network
from hsi.train.options import LossWeights, TrainOptions
from hsi.train.trainer import Trainer

def die(step, losses):
    if step == 7:
        os.kill(os.getpid(), signal.SIGKILL)

torch.set_num_threads(1)
folder, loss_network = Path(sys.argv[2]), Path(sys.argv[3])
options = TrainOptions(
    content=(folder / "photos",), style=(folder / "paintings",), out=folder / "model.pt",
    loss_network=loss_network, steps=9, batch=2, crop=64, style_ramp=0, save_every=5,
    weights=LossWeights(identity=1, consistency=1),
)
Trainer(options, tiny_network(loss_network)).run(die)
"""


def test_a_run_that_another_process_trains_is_left_alone(
    make_options: Options, tiny: Network
) -> None:
    options = make_options(steps=2)

    def train_it_too(step: int, losses: dict[str, float]) -> None:
        with pytest.raises(OutputError, match="found another process at it: wait for it, or give"):
            Trainer(options, tiny()).run()

    Trainer(options, tiny()).run(train_it_too)

    assert [row["step"] for row in log_of(options)] == ["1", "2"]


@pytest.mark.usefixtures("one_thread")
def test_a_killed_run_resumes_to_the_same_weights_to_the_bit(
    make_options: Options, tiny: Network, tmp_path: Path, loss_network: Path
) -> None:
    weights = LossWeights(identity=1, consistency=1)
    options = make_options(steps=9, save_every=5, weights=weights)
    whole = make_options(steps=9, save_every=5, weights=weights, out=tmp_path / "whole.pt")
    expected = Trainer(whole, tiny()).run().network.state_dict()
    command = [sys.executable, "-c", KILLED_RUN, str(Path(__file__).parent)]
    done = subprocess.run([*command, str(tmp_path), str(loss_network)], check=False, timeout=120)
    assert done.returncode == -signal.SIGKILL
    assert not options.out.exists()

    resumed = Trainer(options, tiny())
    steps = []
    made = resumed.run(lambda step, losses: steps.append(step))

    assert steps == [6, 7, 8, 9]
    assert same(made.network.state_dict(), expected)
    assert log_of(options) == log_of(whole)


@pytest.mark.usefixtures("one_thread")
def test_a_run_told_to_stop_saves_the_step_it_is_at(
    make_options: Options, tiny: Network, tmp_path: Path
) -> None:
    expected = Trainer(make_options(steps=4, out=tmp_path / "whole.pt"), tiny()).run()
    options, stop, steps = make_options(steps=4, save_every=100), Event(), []

    def stop_at_the_second(step: int, losses: dict[str, float]) -> None:
        if step == 2:
            stop.set()

    with pytest.raises(KeyboardInterrupt):
        Trainer(options, tiny()).run(stop_at_the_second, stop)
    made = Trainer(options, tiny()).run(lambda step, losses: steps.append(step))

    assert steps == [3, 4]
    assert same(made.network.state_dict(), expected.network.state_dict())


def test_a_run_told_to_stop_at_its_last_step_ends(make_options: Options, tiny: Network) -> None:
    stop = Event()
    stop.set()

    Trainer(make_options(steps=1), tiny()).run(stop=stop)

    assert make_options().out.exists()


def test_a_finished_run_does_not_train_on(make_options: Options, tiny: Network) -> None:
    options = make_options(steps=2)
    first = Trainer(options, tiny()).run()

    again = Trainer(options, tiny()).run(lambda step, losses: pytest.fail("trained on"))

    assert same(again.network.state_dict(), first.network.state_dict())


@pytest.mark.parametrize("damage", [b"", b"not a state", None])
def test_a_damaged_state_is_refused(
    make_options: Options, tiny: Network, damage: bytes | None
) -> None:
    options = make_options(steps=1)
    Trainer(options, tiny()).run()
    state = options.run_folder / "state.pt"
    state.write_bytes(state.read_bytes()[:5000] if damage is None else damage)

    with pytest.raises(SourceError, match=r"state.pt: expected the state of this run, found a dam"):
        Trainer(options, tiny()).run()


def test_the_state_of_another_network_is_refused(
    make_options: Options, tiny: Network, loss_network: Path
) -> None:
    options = make_options(steps=1)
    Trainer(options, tiny()).run()
    state = torch.load(options.run_folder / "state.pt", weights_only=True)
    del state["network"]["stem.weight"]
    torch.save(state, options.run_folder / "state.pt")

    with pytest.raises(SourceError, match="or another network's: give another --out"):
        Trainer(options, tiny()).run()
