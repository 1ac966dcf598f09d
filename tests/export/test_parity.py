from __future__ import annotations

import copy

import numpy as np
import onnx
import pytest
import torch

from hsi.export.parity import Comparison, OnnxPair, compare, resized, torch_stylise
from hsi.model import StyleNetwork
from hsi.runtime.bundle import Bundle
from hsi.runtime.errors import EngineError, QualityError
from hsi.runtime.frame import Image


@pytest.fixture(scope="module")
def pair(bundle: Bundle) -> OnnxPair:
    return OnnxPair(bundle.read("style_encoder.onnx"), bundle.read("stylizer.onnx"))


@pytest.mark.parametrize(
    ("worst", "share", "agrees"),
    [(0, 0.0, True), (2, 1e-4, True), (3, 0.0, False), (2, 1.1e-4, False), (255, 1.0, False)],
)
def test_two_pictures_agree_up_to_rounding(worst: int, share: float, agrees: bool) -> None:
    row = Comparison(size="4x4", values=48, worst=worst, share_over_one=share)
    assert row.agrees == agrees


def test_torch_and_the_graphs_agree(network: StyleNetwork, pair: OnnxPair, photo: Image) -> None:
    row = compare(network, [pair], photo[:97, :131].copy(), photo[200:300, 300:400].copy())
    assert row.agrees
    assert (row.size, row.values) == ("131x97", 131 * 97 * 3)


def test_a_network_that_is_another_disagrees(
    network: StyleNetwork, pair: OnnxPair, photo: Image
) -> None:
    other = copy.deepcopy(network)
    first, *_ = other.picture_weights()
    with torch.no_grad():
        first.mul_(1.2)
    row = compare(other, [pair], photo[:97, :131].copy(), photo[200:300, 300:400].copy())
    assert not row.agrees
    assert row.worst > 2
    assert row.share_over_one > 1e-4


def test_a_network_that_gives_no_numbers_is_refused(network: StyleNetwork, photo: Image) -> None:
    other = copy.deepcopy(network)
    first, *_ = other.picture_weights()
    with torch.no_grad():
        first.fill_(3e38)  # finite, as a checkpoint must be
    with pytest.raises(QualityError, match="expected pixels, found NaN or infinity"):
        torch_stylise(other, photo[:64, :64].copy(), photo[:64, :64].copy())


def test_a_graph_that_does_not_load(bundle: Bundle) -> None:
    with pytest.raises(EngineError, match="ONNX Runtime failed: "):
        OnnxPair(bundle.read("style_encoder.onnx"), b"no graph")


def test_a_graph_that_does_not_run(bundle: Bundle, photo: Image) -> None:
    model = onnx.load_from_string(bundle.read("stylizer.onnx"))
    model.graph.input[0].name = "frames"
    for node in model.graph.node:
        for number, name in enumerate(node.input):
            if name == "frame":
                node.input[number] = "frames"
    pair = OnnxPair(bundle.read("style_encoder.onnx"), model.SerializeToString())
    with pytest.raises(EngineError, match=r"ONNX Runtime failed: .*frame"):
        pair.stylise(photo[:64, :64], photo[:64, :64], bundle.manifest.statistics_size)


def test_resizing_gives_pixels_of_the_size_asked_for(photo: Image) -> None:
    small = resized(photo, (64, 48))
    assert small.shape == (48, 64, 3)
    assert small.dtype == np.uint8
