"""The gate passes what looks like FP32 and no more, and shows it."""

import html.parser
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import onnx
import pytest

from hsi.calibrate.gate import Candidate, Gate, GatePair
from hsi.calibrate.gate_page import difference_picture, gate_page
from hsi.calibrate.gate_result import GateOptions, GateResult, Losses
from hsi.calibrate.gate_table import gate_table
from hsi.calibrate.measures import SAME
from hsi.calibrate.stylizer_run import StylizerRun, Vectors, statistics_size
from hsi.runtime.errors import EngineError, OptionError
from hsi.runtime.frame import Image


class Spoilt:
    """The reference with a share of its levels taken away."""

    name = "spoilt"

    def __init__(self, run: StylizerRun, step: int) -> None:
        self._run, self._step = run, step

    def stylise(self, frame: Image, code: Vectors) -> Image:
        made = self._run.stylise(frame, code)
        return np.asarray(made // self._step * self._step, np.uint8)


class Boiling:
    """The reference with every other picture 8 levels off."""

    name = "boiling"

    def __init__(self, run: StylizerRun) -> None:
        self._run, self._count = run, 0

    def stylise(self, frame: Image, code: Vectors) -> Image:
        self._count += 1
        return np.asarray(self._run.stylise(frame, code) ^ (8 * (self._count % 2)), np.uint8)


@pytest.fixture(scope="module")
def run(stylizer: onnx.ModelProto) -> StylizerRun:
    return StylizerRun(stylizer, threads=1)


def test_the_reference_itself_passes(gate: Gate, run: StylizerRun) -> None:
    result = gate.judge(run, "fp32")

    assert result.passed
    assert result.to_dict()["passed"] is True


def test_few_levels_fail(gate: Gate, run: StylizerRun) -> None:
    result = gate.judge(Spoilt(run, 48), "int8")

    assert not result.passed
    assert result.banding.levels < result.banding.reference_levels


def test_one_bad_picture_among_good_ones_fails(gate: Gate, run: StylizerRun) -> None:
    good = gate.judge(run, "int8")
    bad = replace(good.scores[0], psnr=20.0)

    assert not replace(good, scores=(*good.scores, bad)).passed


def test_a_low_ssim_alone_fails(gate: Gate, run: StylizerRun) -> None:
    good = gate.judge(run, "int8")

    assert not replace(good, scores=(replace(good.scores[0], ssim=0.9),)).passed


def test_a_bad_tile_alone_fails(gate: Gate, run: StylizerRun) -> None:
    good = gate.judge(run, "int8")

    assert not replace(good, scores=(replace(good.scores[0], worst_tile_psnr=25.0),)).passed


def test_a_style_loss_beyond_the_limit_alone_fails(gate: Gate, run: StylizerRun) -> None:
    good = gate.judge(run, "int8")

    def with_style(loss: float) -> GateResult:
        losses = Losses(content=9.0, style=loss)
        known = Losses(content=1.0, style=2.0)
        return replace(
            good, scores=(replace(good.scores[0], losses=losses, reference_losses=known),)
        )

    assert with_style(2.09).passed
    assert not with_style(2.11).passed
    assert not with_style(1.89).passed
    assert with_style(2.09).style_change == pytest.approx(0.045)
    assert with_style(2.09).to_dict()["content_change"] == pytest.approx(8.0)


def test_the_style_loss_of_all_pictures_together_counts(gate: Gate, run: StylizerRun) -> None:
    good = gate.judge(run, "int8")
    score = good.scores[0]
    pairs = [(Losses(content=1, style=s), Losses(content=1, style=w)) for s, w in ((1, 2), (9, 8))]
    scores = tuple(replace(score, losses=a, reference_losses=b) for a, b in pairs)

    assert replace(good, scores=scores).style_change == 0


def test_without_a_loss_network_losses_are_absent_and_the_report_says_so(
    gate: Gate, run: StylizerRun
) -> None:
    result = gate.judge(run, "int8")

    assert result.to_dict()["style_change"] is None
    for report in (gate_table([result]), gate_page(gate, {"int8": run}, [result])):
        assert "style and content loss were not measured: pass --loss-network" in report


def test_what_boils_at_rest_is_told(gate: Gate, run: StylizerRun) -> None:
    still, boiling = gate.judge(run, "fp32"), gate.judge(Boiling(run), "int8")

    assert still.flicker.added == 0
    assert still.flicker.reference_change > 0
    assert boiling.flicker.added > 5
    assert f" {boiling.flicker.added:+.2f} " in gate_table([boiling])


def test_stricter_options_are_those_of_the_verdict(gate: Gate, run: StylizerRun) -> None:
    strict = GateOptions(min_psnr=60)

    assert gate.judge(Spoilt(run, 2), "fp16", strict).options == strict
    assert not gate.judge(Spoilt(run, 2), "fp16", strict).passed


def test_engines_are_held_against_the_first_of_them(gate: Gate, run: StylizerRun) -> None:
    first, same, other = gate.judge_engines([run, run, Spoilt(run, 2)], "int8")

    assert first.agreement is None
    assert same.agreement == SAME
    assert other.agreement == pytest.approx(other.psnr)


def test_engines_that_disagree_fail_where_it_is_asked(gate: Gate, run: StylizerRun) -> None:
    strict = GateOptions(min_psnr=0, min_tile_psnr=0, min_agreement=SAME)

    passed = [one.passed for one in gate.judge_engines([run, Spoilt(run, 2)], "int8", strict)]
    told = [one.passed for one in gate.judge_engines([run, Spoilt(run, 2)], "int8")]

    assert (passed, told) == ([True, False], [True, True])


def test_the_table_says_how_far_engines_are_apart(gate: Gate, run: StylizerRun) -> None:
    strict = GateOptions(min_agreement=50)

    text = gate_table(list(gate.judge_engines([run, Spoilt(run, 2)], "int8", strict)))

    assert "50 dB between engines at least" in text
    assert "engines: PSNR to the first engine's pictures of the same graph" in text


def test_the_reference_is_no_strain_on_the_gate(gate: Gate, run: StylizerRun) -> None:
    assert gate.strain(run) < 1e-4


def test_what_passes_by_far_strains_less_than_what_fails(gate: Gate, run: StylizerRun) -> None:
    assert gate.strain(Spoilt(run, 2)) < 1 < gate.strain(Spoilt(run, 48))


def test_the_table_names_engine_and_verdict(gate: Gate, run: StylizerRun) -> None:
    text = gate_table([gate.judge(run, "int8"), gate.judge(Spoilt(run, 48), "int8")])

    assert "onnxruntime-cpu" in text and "passes" in text
    assert "spoilt" in text and "FAILS" in text
    assert "expected of int8: PSNR 35 dB, SSIM 0.95, PSNR 30 dB in tiles at least" in text
    assert "each in the worst of 1 pictures" in text


def test_the_table_tells_what_each_precision_had_to_reach(gate: Gate, run: StylizerRun) -> None:
    strict = GateOptions(min_psnr=45)
    text = gate_table([gate.judge(run, "fp16", strict), gate.judge(run, "int8")])

    assert "expected of fp16: PSNR 45 dB" in text
    assert "expected of int8: PSNR 35 dB" in text


def test_the_page_is_whole_html_with_three_pictures(gate: Gate, run: StylizerRun) -> None:
    spoilt = Spoilt(run, 48)
    page = gate_page(gate, {"int8": spoilt}, [gate.judge(spoilt, "int8")])

    html.parser.HTMLParser().feed(page)
    assert page.count("data:image/png;base64,") == 3
    assert "int8: FAILS" in page


def test_the_page_shows_names_as_text(run: StylizerRun, pictures: list[Image]) -> None:
    code = np.zeros(8, np.float32)
    pair = GatePair(frame="<script>", style="s", image=pictures[0], code=code)
    gate = Gate(run, [pair], GateOptions())

    assert "<script>" not in gate_page(gate, {"int8": run}, [gate.judge(run, "int8")])


def test_differences_are_shown_eight_times() -> None:
    made, wanted = np.full((2, 2, 3), 13, np.uint8), np.full((2, 2, 3), 10, np.uint8)

    assert (difference_picture(made, wanted) == 24).all()


def test_a_gate_without_frames_is_refused(run: StylizerRun) -> None:
    with pytest.raises(OptionError, match="needs frames to judge on, got none"):
        Gate(run, [], GateOptions())


def test_a_psnr_that_no_picture_has_is_refused() -> None:
    with pytest.raises(OptionError, match="min_psnr must be from 0 to 99 dB, got 120"):
        GateOptions(min_psnr=120)


def test_an_ssim_above_1_is_refused() -> None:
    with pytest.raises(OptionError, match=r"min_ssim must be from -1 to 1, got 1\.5"):
        GateOptions(min_ssim=1.5)


@pytest.mark.parametrize("share", [-0.1, float("nan"), float("inf")])
def test_a_style_change_that_is_no_limit_is_refused(share: float) -> None:
    with pytest.raises(
        OptionError, match=r"max_style_change must be 0 or more, such as 0\.05, got"
    ):
        GateOptions(max_style_change=share)


def test_a_graph_that_does_not_load_is_refused() -> None:
    with pytest.raises(EngineError, match="stylizer: ONNX Runtime failed: "):
        StylizerRun(onnx.helper.make_model(onnx.helper.make_graph([], "empty", [], [])))


def test_a_graph_of_another_kind_is_refused() -> None:
    with pytest.raises(EngineError, match="expected an input called statistics, found none"):
        statistics_size(onnx.ModelProto())


class Counting:
    """The reference, its frames counted; of one of them it makes black."""

    name = "counting"

    def __init__(self, run: StylizerRun, black: Image | None) -> None:
        self._run, self._black = run, black
        self.seen: list[Image] = []

    def stylise(self, frame: Image, code: Vectors) -> Image:
        self.seen.append(frame)
        made = self._run.stylise(frame, code)
        return np.asarray(made * np.uint8(frame is not self._black), np.uint8)


@pytest.mark.parametrize("step", [2, 48])
@pytest.mark.parametrize("min_agreement", [0, SAME])
def test_a_search_gets_the_verdict_of_the_gate(
    stylizer: onnx.ModelProto, gate: Gate, run: StylizerRun, step: int, min_agreement: float
) -> None:
    limits = GateOptions(min_psnr=30, min_tile_psnr=0, min_agreement=min_agreement)
    strict = Gate(run, gate.pairs, limits)
    engines: list[Candidate] = [run, Spoilt(run, step)]

    verdicts = [one.passed for one in strict.judge_engines(engines, "int8")]

    assert strict.passes(engines) == all(verdicts) == (step == 2 and not min_agreement)


def test_a_search_ends_at_the_first_picture_that_fails_and_looks_there_first(
    run: StylizerRun, pictures: list[Image], codes: list[Vectors]
) -> None:
    pairs = [GatePair(frame="", style="", image=one, code=codes[0]) for one in pictures[:3]]
    gate = Gate(run, pairs, GateOptions())
    bad, next_bad, good = (Counting(run, black) for black in (pictures[2], pictures[2], None))

    assert [gate.passes([one]) for one in (bad, next_bad, good)] == [False, False, True]

    assert len(bad.seen) == len(good.seen) == 3
    assert [seen is pictures[2] for seen in next_bad.seen] == [True]


def test_a_search_opens_no_engine_behind_one_that_fails(gate: Gate, run: StylizerRun) -> None:
    opened: list[str] = []

    def engines(step: int) -> Iterator[Candidate]:
        for name in ("first", "second"):
            opened.append(name)
            yield Spoilt(run, step)

    assert [gate.passes(engines(step)) for step in (48, 2)] == [False, True]

    assert opened == ["first", "first", "second"]


@pytest.mark.parametrize(("change", "passes"), [(1.04, True), (1.06, False)])
def test_a_search_minds_the_style_loss_of_all_pictures(
    gate: Gate, run: StylizerRun, change: float, passes: bool
) -> None:
    class Meter:
        def losses(self, picture: Image, pair: GatePair) -> Losses:
            is_reference = any(picture is one for one in judging.wanted)
            return Losses(content=1, style=1 if is_reference else change)

    judging = Gate(run, gate.pairs, gate.options, Meter())

    assert judging.passes([run]) is passes
