"""What makes INT8 graphs fast on CPUs leaves what they compute as it is."""

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime as ort
import pytest
from onnx import parser

from hsi.calibrate.block_convolutions import without_block_moves
from hsi.calibrate.doubling import folded_weight, without_doubling
from hsi.calibrate.early_levels import with_early_levels
from hsi.calibrate.graph_edit import constants, copied, set_constant
from hsi.calibrate.quantise import quantised
from hsi.calibrate.quantised_rules import broken_quantised_rules
from hsi.calibrate.short_sigmoid import with_short_sigmoids
from hsi.calibrate.stylizer_run import StylizerRun
from hsi.runtime.bundle import Bundle, shipped_bundle
from hsi.runtime.openvino_graph import OpenVinoGraph

Floats = npt.NDArray[np.float32]

# Blocks of 2x2 pixels in, doubled features scaled and convolved, blocks of two rows out.
NETWORK = """
<ir_version: 10, opset_import: ["" : 20]>
blocks (float[N, H, W, 3] pixels) => (float[N, H2, W2] rows)
<
  float[4] twice = {1.0, 1.0, 2.0, 2.0}, int64[8] rim = {0, 0, 1, 1, 0, 0, 1, 1},
  int64[5] into = {0, 6, 2, 6, 6}, int64[4] joined = {0, 6, 6, 12},
  int64[5] apart = {0, 14, 14, 2, 6}, int64[3] lines = {0, 28, 84}
>
{
  split = Reshape(pixels, into)
  swapped = Transpose<perm = [0, 1, 3, 2, 4]>(split)
  blocks = Reshape(swapped, joined)
  planes = Transpose<perm = [0, 3, 1, 2]>(blocks)
  first = Conv(planes, first_weight, first_bias)
  active = LeakyRelu<alpha = 0.1>(first)
  rimmed = Pad<mode = "edge">(active, rim)
  even = Mul(rimmed, factor)
  second = Conv(even, second_weight, second_bias)
  wide = Resize<mode = "nearest", nearest_mode = "floor",
    coordinate_transformation_mode = "asymmetric">(second, , twice)
  scaled = Mul(wide, wide_factor)
  shifted = Add(scaled, wide_offset)
  third = Conv(shifted, third_weight, third_bias)
  bright = LeakyRelu<alpha = 0.1>(third)
  brighter = Mul(bright, bright_factor)
  padded = Pad<mode = "edge">(brighter, rim)
  last = Conv(padded, last_weight, last_bias)
  lying = Transpose<perm = [0, 2, 3, 1]>(last)
  runs = Reshape(lying, apart)
  by_row = Transpose<perm = [0, 1, 3, 2, 4]>(runs)
  rows = Reshape(by_row, lines)
}
"""
SHAPES = {
    "first_weight": (8, 12, 1, 1),
    "second_weight": (4, 8, 1, 1),
    "third_weight": (5, 4, 3, 3),
    "last_weight": (12, 5, 3, 3),
    "factor": (1, 8, 1, 1),
    "wide_factor": (1, 4, 1, 1),
    "wide_offset": (1, 4, 1, 1),
    "bright_factor": (1, 5, 1, 1),
}
LAYERS = {"first_weight": 40.0, "second_weight": 9.0, "third_weight": 3.0, "last_weight": 2.0}


@pytest.fixture(scope="module")
def network() -> onnx.ModelProto:
    model = parser.parse_model(NETWORK)
    rng = np.random.default_rng(0)
    for name, shape in SHAPES.items():
        set_constant(model, name, rng.normal(0, 0.5, shape).astype(np.float32))
        if name.endswith("_weight"):
            bias = rng.normal(0, 1, shape[0]).astype(np.float32)
            set_constant(model, name.replace("weight", "bias"), bias)
    return model


@pytest.fixture(scope="module")
def pixels() -> Floats:
    return np.random.default_rng(1).normal(0, 1, (2, 12, 12, 3)).astype(np.float32)


def made(model: onnx.ModelProto, pixels: Floats) -> Floats:
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {"pixels": pixels})[0])


def count(model: onnx.ModelProto, operator: str) -> int:
    return [node.op_type for node in model.graph.node].count(operator)


def swaps(model: onnx.ModelProto) -> int:
    perms = [list(a.ints) for n in model.graph.node for a in n.attribute if a.name == "perm"]
    return perms.count([0, 1, 3, 2, 4])


def test_a_convolution_of_doubled_features_is_one_of_the_features(
    network: onnx.ModelProto, pixels: Floats
) -> None:
    folded = without_doubling(network)

    assert count(folded, "Resize") == 0
    assert constants(folded)["third_weight"].shape == (20, 4, 2, 2)
    np.testing.assert_allclose(made(folded, pixels), made(network, pixels), rtol=1e-4, atol=1e-4)


def test_each_pixel_of_a_block_sums_all_weights() -> None:
    weight = np.random.default_rng(2).normal(0, 1, (3, 2, 3, 3)).astype(np.float32)

    sums = folded_weight(weight).sum((2, 3)).reshape(4, 3, 2)

    np.testing.assert_allclose(sums, np.broadcast_to(weight.sum((2, 3)), (4, 3, 2)), atol=1e-5)


def test_smooth_doubling_stays(network: onnx.ModelProto, pixels: Floats) -> None:
    smooth = copied(network)
    for node in smooth.graph.node:
        for attribute in node.attribute:
            if node.op_type == "Resize" and attribute.name == "mode":
                attribute.s = b"linear"

    assert without_doubling(smooth) is smooth


def test_blocks_are_read_and_written_where_they_lie(
    network: onnx.ModelProto, pixels: Floats
) -> None:
    lying = without_block_moves(without_doubling(network))

    assert swaps(lying) == 0
    np.testing.assert_allclose(made(lying, pixels), made(network, pixels), rtol=1e-4, atol=1e-4)


def test_levels_are_made_before_values_move(network: onnx.ModelProto, pixels: Floats) -> None:
    int8 = quantised(without_doubling(network), LAYERS)

    early = with_early_levels(int8)

    makers = {name: node.op_type for node in early.graph.node for name in node.output}
    pairs = [node for node in early.graph.node if node.op_type == "QuantizeLinear"]
    # The first has nothing ahead that could take its scale.
    assert [makers[node.input[0]] for node in pairs] == ["Transpose", "Mul", "Add", "Mul"]
    assert not broken_quantised_rules(early, int8)
    np.testing.assert_allclose(made(early, pixels), made(int8, pixels), rtol=1e-3, atol=1e-3)


def test_levels_of_channels_apart_wait_for_a_change_of_layout(network: onnx.ModelProto) -> None:
    scaled = copied(network)
    set_constant(scaled, "per_channel", np.full((1, 12, 1, 1), 2, np.float32))
    place = next(i for i, n in enumerate(scaled.graph.node) if n.output[0] == "first")
    scale = onnx.helper.make_node("Mul", ["planes", "per_channel"], ["scaled_planes"])
    scaled.graph.node.insert(place, scale)
    scaled.graph.node[place + 1].input[0] = "scaled_planes"

    early = with_early_levels(quantised(scaled, {"first_weight": 80.0}))

    order = [node.op_type for node in early.graph.node]
    assert order.index("Transpose") < order.index("Mul") < order.index("QuantizeLinear")


def test_openvino_and_onnxruntime_agree_on_moved_levels(
    network: onnx.ModelProto, pixels: Floats
) -> None:
    """OpenVINO rounds moved levels to whole numbers, unless that is what they are."""
    pytest.importorskip("openvino")
    int8 = quantised(without_doubling(network), LAYERS)
    fast = without_block_moves(with_early_levels(int8))

    found = OpenVinoGraph(fast.SerializeToString(), 2).run({"pixels": pixels})["rows"]

    wanted = made(int8, pixels)
    assert np.abs(found - wanted).mean() < 0.01 * np.abs(wanted).mean()


def test_the_shipped_network_stays_what_it_is() -> None:
    bundle = Bundle(shipped_bundle())
    model = onnx.load_from_string(bundle.read(bundle.manifest.stylizer.part))
    fast = without_block_moves(without_doubling(model))
    frame = np.random.default_rng(3).integers(0, 256, (66, 70, 3), np.uint8)
    runs = [StylizerRun(one, threads=1) for one in (model, fast)]
    code = np.random.default_rng(4).normal(0, 1, runs[0].code_size).astype(np.float32)

    first, second = (one.stylise(frame, code).astype(int) for one in runs)

    assert (swaps(model), swaps(fast)) == (2, 0)
    assert np.abs(first - second).max() <= 1


def test_a_tall_convolution_says_the_size_of_what_it_makes() -> None:
    """TensorRT's builder refuses the graph for frames of any size without it."""
    shipped = Bundle(shipped_bundle()).read("stylizer.onnx")
    fast = without_block_moves(onnx.load_from_string(shipped))

    (tall,) = (n for n in fast.graph.node if n.op_type == "Conv" and n.output[0].endswith(".tall"))

    assert [n.op_type for n in fast.graph.node if tall.output[0] in n.input] == ["Reshape"]


def test_a_sigmoid_without_an_exponential_is_off_by_half_a_level_at_most() -> None:
    model = parser.parse_model(
        """<ir_version: 10, opset_import: ["" : 20]>
        sigmoid (float[N] x) => (float[N] y) { y = Sigmoid(x) }"""
    )
    short = with_short_sigmoids(model)
    x = np.concatenate([np.linspace(-8, 8, 4001), [-50, 50]]).astype(np.float32)
    exact = 1 / (1 + np.exp(-x.astype(np.float64)))
    (made,) = ort.InferenceSession(short.SerializeToString()).run(None, {"x": x})
    assert {node.op_type for node in short.graph.node} == {"Clip", "Mul", "Add"}
    assert np.abs(made - exact).max() < 0.5 / 254
