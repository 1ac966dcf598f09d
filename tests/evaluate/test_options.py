from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hsi.evaluate.options import EvaluationOptions
from hsi.runtime.errors import OptionError


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"baseline": False}, "expected a bundle, a folder of results or --baseline, got none"),
        ({"out": Path("report")}, "a report shows results: give a bundle or a folder of results"),
        ({"strength": 0.5}, "--strength is for a bundle: finished results have theirs"),
        ({"codes": Path("tuned")}, "--codes is for a bundle: finished results have theirs"),
        ({"strength": 1.5, "method": Path("a.hsi")}, r"--strength must lie in \[0, 1\], got 1.5"),
        ({"size": 63}, "--size must be from 64 to 4096, got 63"),
        ({"size": 4097}, "--size must be from 64 to 4096, got 4097"),
        ({"resamplings": 1}, "--bootstrap must be 0 or from 2 to 100000, got 1"),
        ({"resamplings": -1}, "--bootstrap must be 0 or from 2 to 100000, got -1"),
        ({"seed": -1}, "--seed must be 0 or more, got -1"),
        ({"threads": 0}, "--threads must be at least 1, got 0"),
    ],
)
def test_nonsense_is_refused(
    make_options: Callable[..., EvaluationOptions], changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(OptionError, match=message):
        make_options(**changes)


def test_the_strength_of_finished_results_cannot_be_chosen(
    make_options: Callable[..., EvaluationOptions], tmp_path: Path
) -> None:
    with pytest.raises(OptionError, match="--strength is for a bundle"):
        make_options(method=tmp_path, strength=1.0)
