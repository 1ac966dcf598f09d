"""Variants: what is kept is good enough, and faster."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import onnx
import pytest

from hsi.calibrate import CalibrationOptions, CalibrationSet
from hsi.calibrate.candidates import OpenVinoRun, candidates_of, fastest_ms
from hsi.calibrate.finer_layers import FinerLayers
from hsi.calibrate.frames import CalibrationFrame
from hsi.calibrate.gate import Gate, GatePair
from hsi.calibrate.gate_result import GateOptions
from hsi.calibrate.graph_edit import constants, convolutions
from hsi.calibrate.measures import ramp
from hsi.calibrate.quantiser import Quantiser, worst_layers
from hsi.calibrate.ranges import ActivationRanges
from hsi.calibrate.stylizer_run import StylizerRun, Vectors
from hsi.calibrate.variants import VariantMaker, VariantOptions
from hsi.runtime.errors import OptionError
from hsi.runtime.frame import Image

Make = Callable[..., VariantMaker]


@pytest.fixture
def maker(
    pictures: list[Image],
    codes: list[Vectors],
    calibration_frame: Callable[[Image], CalibrationFrame],
) -> Make:
    def make(
        model: onnx.ModelProto,
        precision: str,
        calibrate_on: list[Image] | None = None,
        judge_on: Image = pictures[3],
    ) -> VariantMaker:
        frames = tuple(map(calibration_frame, calibrate_on or pictures[:3]))
        calibration = CalibrationSet(
            frames=frames, held_out=(), places=("here",), options=CalibrationOptions()
        )
        options = VariantOptions(precision=precision, ranges="max", gate=GateOptions(min_psnr=34))
        named = dict(zip(("first", "second"), codes, strict=True))
        data = model.SerializeToString()
        return VariantMaker(data, named, judge_on, calibration, options, lambda name: None)

    return make


@pytest.fixture
def speeds(monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    """Milliseconds by precision, to change: tiny networks say nothing of speed."""
    given = {"fp32": 4.0, "fp16": 5.0, "int8": 1.0}

    def times(candidates: Mapping[str, object], code: object) -> dict[str, float]:
        return {name: given[name] for name in candidates}

    monkeypatch.setattr("hsi.calibrate.variants.fastest_ms", times)
    monkeypatch.setattr("hsi.calibrate.variants._runs_here", lambda cuda: {"fp32", "int8"})
    return given


def test_int8_is_judged_on_every_engine_here(stylizer: onnx.ModelProto, maker: Make) -> None:
    (variant,) = maker(stylizer, "int8").variants().kept

    assert variant.passed
    assert [one.engine for one in variant.results] == [one.name for one in candidates_of(stylizer)]


def test_fp16_is_judged_strictly(stylizer: onnx.ModelProto, maker: Make) -> None:
    (variant,) = maker(stylizer, "fp16").variants().kept

    assert variant.passed
    assert {one.options.min_psnr for one in variant.results} == {45}
    assert [one.engine for one in variant.results] == [one.name for one in candidates_of(stylizer)]


def test_fp32_needs_no_variant(stylizer: onnx.ModelProto, maker: Make) -> None:
    assert maker(stylizer, "fp32").variants().variants == ()


def test_calibrating_on_white_noise_is_caught(stylizer: onnx.ModelProto, maker: Make) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (3, 96, 128, 3), np.uint8)

    made = maker(stylizer, "int8", list(noise), ramp()).variants()

    assert not made.variants[0].passed
    assert made.kept == ()


def test_auto_beats_plain_int8_in_quality_and_fp32_in_integer_layers(
    make_stylizer: Callable[..., onnx.ModelProto], maker: Make, speeds: dict[str, float]
) -> None:
    hostile = make_stylizer(cancelling=400.0)

    (plain,) = maker(hostile, "int8").variants().variants
    (mixed,) = maker(hostile, "auto").variants().kept

    assert not plain.passed
    assert mixed.passed
    assert min(one.psnr for one in mixed.results) > max(one.psnr for one in plain.results) + 6
    assert 0 < len(mixed.finer) < len(convolutions(hostile))
    assert mixed.finer.floats == ()
    assert "stem" not in mixed.finer.split


def test_finer_layers_are_few_and_cheap(
    stylizer: onnx.ModelProto, samples: list[tuple[Image, Vectors]], monkeypatch: pytest.MonkeyPatch
) -> None:
    quantiser = Quantiser(stylizer, samples, "max")
    work = quantiser.ranges.multiply_adds
    cheap, *_, dear = sorted(quantiser.layers, key=lambda layer: work[layer])
    monkeypatch.setattr(quantiser, "graph", lambda finer: finer)

    def finer(passes: Callable[[FinerLayers], bool]) -> FinerLayers:
        return quantiser.finer_until_it_passes(damage, cast("Any", passes))

    # The dearest comes first by its damage, the cheapest second.
    damage = dict(work) | {dear: 9 * work[dear], cheap: 5 * work[cheap]}

    assert finer(lambda f: cheap in (*f.split, *f.floats)) == FinerLayers(split=(cheap,))
    assert finer(lambda f: cheap in f.floats) == FinerLayers(floats=(cheap,))
    assert dear == "stem"  # which reads pixels: two numbers would be no better
    assert finer(lambda f: dear in (*f.split, *f.floats)) == FinerLayers(floats=(dear,))
    assert len(finer(lambda _: False).floats) == len(quantiser.layers) - 1


def test_multiply_adds_are_counted(
    stylizer: onnx.ModelProto, samples: list[tuple[Image, Vectors]]
) -> None:
    work = ActivationRanges(stylizer, samples[:1]).multiply_adds
    twice = ActivationRanges(stylizer, samples[:1] * 2).multiply_adds

    assert set(work) == set(convolutions(stylizer))
    assert all(twice[layer] == 2 * work[layer] > 0 for layer in work)


def test_auto_keeps_plain_int8_where_it_passes(
    stylizer: onnx.ModelProto, maker: Make, speeds: dict[str, float]
) -> None:
    (variant,) = maker(stylizer, "auto").variants().kept

    assert (variant.precision, len(variant.finer)) == ("int8", 0)


def test_auto_judges_fp16_too_and_says_what_became_of_each(
    stylizer: onnx.ModelProto, maker: Make, speeds: dict[str, float]
) -> None:
    made = maker(stylizer, "auto").variants()

    assert [one.precision for one in made.variants] == ["fp16", "int8"]
    assert {one.precision: one.reason for one in made.trials} == {
        "fp32": "every bundle holds it",
        "fp16": "left: slower than int8",
        "int8": "taken: the fastest that is good enough",
    }


def test_auto_gives_up_what_is_slower_than_fp32(
    stylizer: onnx.ModelProto, maker: Make, speeds: dict[str, float]
) -> None:
    speeds["int8"] = 9.0

    made = maker(stylizer, "auto").variants()

    assert made.kept == ()
    assert [one.ms for one in made.trials] == [4.0, 5.0, 9.0]


def test_auto_does_without_an_fp16_that_cannot_be_made(
    make_stylizer: Callable[..., onnx.ModelProto], maker: Make, speeds: dict[str, float]
) -> None:
    beyond = make_stylizer(outlier=1e6)

    made = maker(beyond, "auto").variants()

    assert [one.precision for one in made.variants] == ["int8"]
    assert "expected values that FP16 holds" in made.trials[-1].reason


def test_the_engines_of_this_machine_are_timed(
    stylizer: onnx.ModelProto, maker: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hsi.calibrate.candidates.FRAME", (64, 64, 3))

    trials = maker(stylizer, "auto").variants().trials

    assert [one.precision for one in trials] == ["fp32", "fp16", "int8"]
    assert all(one.ms for one in trials)


def test_candidates_are_timed_in_turn(
    stylizer: onnx.ModelProto, codes: list[Vectors], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hsi.calibrate.candidates.FRAME", (64, 64, 3))
    run = StylizerRun(stylizer, threads=1)

    found = fastest_ms({"one": run, "other": run}, codes[0])

    assert list(found) == ["one", "other"]
    assert min(found.values()) > 0


def test_int8_without_frames_is_refused(stylizer: onnx.ModelProto, pictures: list[Image]) -> None:
    with pytest.raises(OptionError, match="precision int8 needs frames to calibrate on: pass --c"):
        VariantMaker(
            stylizer.SerializeToString(),
            {},
            pictures[0],
            None,
            VariantOptions(precision="int8"),
        )


def test_an_unknown_precision_is_refused() -> None:
    with pytest.raises(OptionError, match="one of fp32, fp16, int8, auto, got 'int4'"):
        VariantOptions(precision="int4")


def test_an_unknown_range_is_refused() -> None:
    with pytest.raises(OptionError, match="ranges must be one of max, percentile"):
        VariantOptions(ranges="guess")


def test_pixels_are_not_evened_out(
    stylizer: onnx.ModelProto, samples: list[tuple[Image, Vectors]]
) -> None:
    graph = Quantiser(stylizer, samples, "max").graph()

    scales = constants(graph)
    assert scales["network.stem.weight.input_scale"] == 1.0
    assert "network.stem.weight.balance" not in scales
    assert "network.body.weight.balance" in scales


def test_tuning_does_not_make_the_picture_worse(
    make_stylizer: Callable[..., onnx.ModelProto], samples: list[tuple[Image, Vectors]]
) -> None:
    model = make_stylizer(cancelling=40.0)
    pairs = [GatePair(frame="", style="", image=i, code=c) for i, c in samples]
    gate = Gate(StylizerRun(model), pairs, GateOptions())
    quantiser = Quantiser(model, samples, "entropy")
    before = quantiser.damage(gate)

    quantiser.tune(gate, before)

    after = quantiser.damage(gate)
    assert all(after[layer] <= before[layer] * 1.001 for layer in before)


def test_the_worst_layers_come_first_up_to_their_share() -> None:
    damage = {"low": 1.0, "high": 8.0, "middle": 3.0}

    assert worst_layers(damage, 0.9) == ["high", "middle"]
    assert worst_layers(damage, 1.0) == ["high", "middle", "low"]


def test_agreement_needs_a_second_engine(
    stylizer: onnx.ModelProto,
    codes: list[Vectors],
    pictures: list[Image],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("hsi.calibrate.variants.has_openvino", lambda: False)
    options = VariantOptions(precision="fp16", gate=GateOptions(min_agreement=50))

    with pytest.raises(OptionError, match=r"one alone is installed: pip install 'hsi-edge\[open"):
        VariantMaker(stylizer.SerializeToString(), {"first": codes[0]}, pictures[3], None, options)


def test_what_is_judged_alone_is_not_kept_on_disk(
    stylizer: onnx.ModelProto,
    codes: list[Vectors],
    pictures: list[Image],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A search makes dozens of graphs, which no program opens again."""
    pytest.importorskip("openvino")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    OpenVinoRun(stylizer).stylise(pictures[0], codes[0])

    assert not [*tmp_path.rglob("*.graph")]


def test_candidates_are_timed_apart(
    stylizer: onnx.ModelProto, codes: list[Vectors], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Threads of ONNX Runtime spin after a run: whoever comes right behind seems slow."""
    done: list[str] = []

    @dataclass
    class Told:
        name: str

        def stylise(self, frame: Image, code: Vectors) -> Image:
            done.append(self.name)
            return frame

    monkeypatch.setattr("hsi.calibrate.candidates.time.sleep", lambda seconds: done.append("rest"))

    fastest_ms({name: Told(name) for name in ("first", "second")}, codes[0])

    assert done[:4] == ["rest", "first", "rest", "second"]
    assert done.count("rest") == len(done) / 2
