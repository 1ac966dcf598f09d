"""What `auto` takes is the fastest that this machine would run; the reasons say so."""

import pytest

from hsi.calibrate.trial import Trial, trial_table, trials_of

ENGINES = {"fp32": "onnxruntime-cpu", "fp16": "onnxruntime-cpu", "int8": "openvino"}
CPU = {"fp32", "int8"}
CUDA = {"fp32", "fp16"}


def taken(trials: tuple[Trial, ...]) -> list[str]:
    return [trial.precision for trial in trials if trial.taken]


def reason(trials: tuple[Trial, ...], precision: str) -> str:
    return next(trial.reason for trial in trials if trial.precision == precision)


@pytest.mark.parametrize(
    ("times", "runs_here", "expected"),
    [
        ({"fp32": 9, "fp16": 12, "int8": 3}, CPU, ["int8"]),
        ({"fp32": 9, "fp16": 12, "int8": 10}, CPU, []),
        ({"fp32": 9, "fp16": 4, "int8": 10}, CUDA, ["fp16"]),
        ({"fp32": 9, "fp16": 4, "int8": 3}, CUDA, ["fp16"]),
        ({"fp32": 9, "fp16": 4}, CPU, []),
        ({"fp32": 9}, CPU, []),
    ],
)
def test_the_fastest_that_passes_and_would_run_is_taken(
    times: dict[str, float], runs_here: set[str], expected: list[str]
) -> None:
    assert taken(trials_of(ENGINES, times, runs_here)) == expected


def test_what_is_slower_or_fails_is_left() -> None:
    trials = trials_of(ENGINES, {"fp32": 9, "fp16": 12}, CPU)

    assert reason(trials, "fp16") == "left: slower than fp32"
    assert reason(trials, "int8") == "left: fails the quality gate"


def test_what_is_fast_but_would_not_run_here_is_left() -> None:
    trials = trials_of(ENGINES, {"fp32": 9, "fp16": 4, "int8": 3}, CUDA)

    assert reason(trials, "int8") == "left: hsi-run takes it in OpenVINO, where there is no CUDA"
    assert reason(trials_of(ENGINES, {"fp32": 9, "fp16": 4}, CPU), "fp16") == (
        "left: hsi-run takes it on CUDA alone"
    )


def test_the_table_tells_engine_time_and_reason() -> None:
    lines = trial_table(trials_of(ENGINES, {"fp32": 9, "fp16": 12}, CPU)).splitlines()

    assert lines[0] == "auto, medians of a 1280x720 frame on this machine:"
    assert lines[2].split() == "fp16 onnxruntime-cpu 12.0 ms left: slower than fp32".split()
    assert lines[3].split() == "int8 openvino - left: fails the quality gate".split()
