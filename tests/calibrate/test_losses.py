"""Losses of the gate are those of an evaluation."""

from pathlib import Path

import onnx
import pytest

from hsi.calibrate.gate import Gate, GatePair
from hsi.calibrate.gate_page import gate_page
from hsi.calibrate.gate_result import GateOptions
from hsi.calibrate.gate_table import gate_table
from hsi.calibrate.losses import VggLosses
from hsi.calibrate.stylizer_run import StylizerRun, Vectors
from hsi.evaluate.features import FeatureNetwork
from hsi.evaluate.measures import content_loss, moments, style_loss
from hsi.runtime.frame import Image


@pytest.fixture(scope="module")
def network(vgg: Path) -> FeatureNetwork:
    return FeatureNetwork(vgg)


@pytest.fixture(scope="module")
def meter(vgg: Path, pictures: list[Image]) -> VggLosses:
    return VggLosses(vgg, {"first": pictures[1], "second": pictures[2]})


@pytest.fixture
def pair(pictures: list[Image], codes: list[Vectors]) -> GatePair:
    return GatePair(frame="part", style="first", image=pictures[0], code=codes[0])


def test_losses_are_those_of_an_evaluation(
    meter: VggLosses, network: FeatureNetwork, pair: GatePair, pictures: list[Image]
) -> None:
    levels, content, style = (network.levels(pictures[n]) for n in (3, 0, 1))

    found = meter.losses(pictures[3], pair)

    assert found.content == pytest.approx(content_loss(levels, content))
    assert found.style == pytest.approx(style_loss(moments(levels), moments(style)))


def test_nothing_done_loses_no_content_and_the_style_itself_lacks_none(
    meter: VggLosses, pair: GatePair, pictures: list[Image]
) -> None:
    assert meter.losses(pair.image, pair).content == 0
    assert meter.losses(pictures[1], pair).style == 0


def test_the_gate_tells_the_change_of_both(
    stylizer: onnx.ModelProto, meter: VggLosses, pair: GatePair
) -> None:
    run = StylizerRun(stylizer, threads=1)
    gate = Gate(run, [pair], GateOptions(), meter)

    result = gate.judge(run, "fp32")

    assert (result.style_change, result.content_change) == (0, 0)
    assert result.passed
    assert "style loss within 5.0% of FP32's" in gate_table([result])
    assert "not measured" not in gate_table([result])
    assert "the style loss is +0.0% off FP32" in gate_page(gate, {"fp32": run}, [result])
