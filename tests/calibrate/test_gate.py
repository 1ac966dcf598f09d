"""The gate passes what looks like FP32 and no more, and shows it."""

import html.parser
from dataclasses import replace

import numpy as np
import onnx
import pytest

from hsi.calibrate.gate import Gate, GateOptions, GatePair, gate_table
from hsi.calibrate.gate_page import difference_picture, gate_page
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


def test_the_reference_is_no_strain_on_the_gate(gate: Gate, run: StylizerRun) -> None:
    assert gate.strain(run) < 1e-4


def test_what_passes_by_far_strains_less_than_what_fails(gate: Gate, run: StylizerRun) -> None:
    assert gate.strain(Spoilt(run, 2)) < 1 < gate.strain(Spoilt(run, 48))


def test_the_table_names_engine_and_verdict(gate: Gate, run: StylizerRun) -> None:
    text = gate_table([gate.judge(run, "int8"), gate.judge(Spoilt(run, 48), "int8")])

    assert "onnxruntime-cpu" in text and "passes" in text
    assert "spoilt" in text and "FAILS" in text
    assert "PSNR 35 dB, SSIM 0.95 and PSNR 30 dB in tiles at least, in each of 1 pictures" in text


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


def test_a_graph_that_does_not_load_is_refused() -> None:
    with pytest.raises(EngineError, match="stylizer: ONNX Runtime failed: "):
        StylizerRun(onnx.helper.make_model(onnx.helper.make_graph([], "empty", [], [])))


def test_a_graph_of_another_kind_is_refused() -> None:
    with pytest.raises(EngineError, match="expected an input called statistics, found none"):
        statistics_size(onnx.ModelProto())
