"""What a training run leaves."""

from __future__ import annotations

import csv

import torch
from torch import Tensor

from hsi.train.options import TrainOptions


def log_of(options: TrainOptions) -> list[dict[str, str]]:
    """Return the rows of the log of a run."""
    with (options.run_folder / "log.csv").open() as file:
        return list(csv.DictReader(file))


def same(first: dict[str, Tensor], second: dict[str, Tensor]) -> bool:
    """Whether two state dicts are the same to the bit."""
    return first.keys() == second.keys() and all(
        torch.equal(tensor, second[name]) for name, tensor in first.items()
    )
