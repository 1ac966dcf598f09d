"""Ranges cover what convolutions see, by each method."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import pytest

from hsi.calibrate.graph_edit import set_constant
from hsi.calibrate.ranges import METHODS, ActivationRanges, Sample, channel_ranges
from hsi.calibrate.stylizer_run import StylizerRun
from hsi.runtime.errors import OptionError, QualityError


@pytest.fixture(scope="module")
def ranges(stylizer: onnx.ModelProto, samples: list[Sample]) -> ActivationRanges:
    return ActivationRanges(stylizer, samples)


def test_every_convolution_has_a_range_by_every_method(ranges: ActivationRanges) -> None:
    for method in METHODS:
        found = ranges.thresholds(method)

        assert list(found) == ["stem", "body", "head"]
        assert min(found.values()) > 0


def test_max_is_the_largest_value_there_was(
    ranges: ActivationRanges, stylizer: onnx.ModelProto, samples: list[Sample]
) -> None:
    run = StylizerRun(stylizer, ["shifted"])
    largest = max(float(np.abs(run.tensors(*one)["shifted"]).max()) for one in samples)

    assert ranges.thresholds("max")["body"] == pytest.approx(largest, rel=2e-3)


def test_no_method_goes_beyond_the_largest_value(ranges: ActivationRanges) -> None:
    largest = ranges.thresholds("max")

    for method in ("percentile", "entropy", "mse"):
        for layer, threshold in ranges.thresholds(method).items():
            assert threshold <= largest[layer] * 1.02


def test_a_lower_percentile_clips_more(ranges: ActivationRanges) -> None:
    high, low = (ranges.thresholds("percentile", p)["body"] for p in (99.99, 90.0))

    assert low < high


def test_mse_clips_a_lone_outlier(
    stylizer: onnx.ModelProto, samples: list[Sample], monkeypatch: pytest.MonkeyPatch
) -> None:
    def spiked(self: StylizerRun, *sample: object) -> dict[str, npt.NDArray[np.float32]]:
        values = np.random.default_rng(0).normal(size=(1, 8, 64, 64)).astype(np.float32)
        values[0, 0, 0, 0] = 400.0
        return dict.fromkeys(self._inside, values)

    monkeypatch.setattr(StylizerRun, "tensors", spiked)

    found = ActivationRanges(stylizer, samples[:1])

    assert found.thresholds("mse")["body"] < 360 < found.thresholds("max")["body"]


def test_an_input_of_zeros_has_a_range_too(
    stylizer: onnx.ModelProto, samples: list[Sample]
) -> None:
    silent = onnx.ModelProto()
    silent.CopyFrom(stylizer)
    set_constant(silent, "network.body.weight", np.zeros((8, 8, 1, 1), np.float32))
    set_constant(silent, "network.body.bias", np.zeros(8, np.float32))

    assert ActivationRanges(silent, samples).thresholds("max")["head"] > 0


def test_ranges_are_one_a_channel(stylizer: onnx.ModelProto, samples: list[Sample]) -> None:
    found = channel_ranges(stylizer, samples)

    assert {layer: one.centre.shape for layer, one in found.items()} == {
        "stem": (3,),
        "body": (8,),
        "head": (8,),
    }
    assert 100 < found["stem"].high.max() <= 255


def test_ranges_of_several_frames_hold_those_of_each(
    stylizer: onnx.ModelProto, samples: list[Sample]
) -> None:
    both = channel_ranges(stylizer, samples[:2])["body"]
    alone = channel_ranges(stylizer, samples[:1])["body"]

    assert (both.low <= alone.low).all()
    assert (both.high >= alone.high).all()


def test_ranges_say_nothing_on_the_output(
    stylizer: onnx.ModelProto, samples: list[Sample], capsys: pytest.CaptureFixture[str]
) -> None:
    ActivationRanges(stylizer, samples[:1]).thresholds("percentile")

    assert capsys.readouterr().out == ""


def test_no_samples_are_refused(stylizer: onnx.ModelProto) -> None:
    with pytest.raises(QualityError, match="expected frames to calibrate on, found none"):
        ActivationRanges(stylizer, [])


def test_an_unknown_method_is_refused(ranges: ActivationRanges) -> None:
    with pytest.raises(OptionError, match="one of max, percentile, entropy, mse, got 'guess'"):
        ranges.thresholds("guess")


def test_a_percentile_above_100_is_refused(ranges: ActivationRanges) -> None:
    with pytest.raises(OptionError, match=r"percentile must lie in \(0, 100\], got 101"):
        ranges.thresholds("percentile", 101)


def test_activations_that_are_no_numbers_are_refused(
    make_stylizer: Callable[..., onnx.ModelProto], samples: list[Sample]
) -> None:
    broken = make_stylizer()
    set_constant(broken, "network.stem.bias", np.full(8, np.nan, np.float32))

    with pytest.raises(QualityError, match="expected finite activations, found NaN or infinity"):
        channel_ranges(broken, samples)


def test_nothing_is_left_in_the_working_folder(
    stylizer: onnx.ModelProto,
    samples: list[Sample],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)

    ActivationRanges(stylizer, samples[:1]).thresholds("entropy")

    assert not list(tmp_path.iterdir())
