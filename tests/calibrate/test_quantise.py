"""INT8 graphs keep the engines' rules, and the picture."""

from collections.abc import Callable

import numpy as np
import onnx
import pytest
from onnx import helper

from hsi.calibrate.balance import balanced
from hsi.calibrate.gate import Gate
from hsi.calibrate.graph_edit import Array, constants, convolutions, copied, set_constant
from hsi.calibrate.quantise import channel_scales, quantised, reads_pixels
from hsi.calibrate.quantised_rules import broken_quantised_rules, check_quantised
from hsi.calibrate.ranges import ActivationRanges, Sample, channel_ranges
from hsi.calibrate.stylizer_run import StylizerRun
from hsi.runtime.errors import OptionError, QualityError


@pytest.fixture(scope="module")
def thresholds(stylizer: onnx.ModelProto, samples: list[Sample]) -> dict[str, float]:
    return ActivationRanges(stylizer, samples).thresholds("max")


@pytest.fixture(scope="module")
def int8(stylizer: onnx.ModelProto, thresholds: dict[str, float]) -> onnx.ModelProto:
    return quantised(stylizer, thresholds)


def node(model: onnx.ModelProto, operator: str, place: int = 0) -> onnx.NodeProto:
    found: onnx.NodeProto = [one for one in model.graph.node if one.op_type == operator][place]
    return found


def test_every_convolution_gets_levels_for_input_and_weight(int8: onnx.ModelProto) -> None:
    operators = [one.op_type for one in int8.graph.node]

    assert operators.count("QuantizeLinear") == 3
    assert operators.count("DequantizeLinear") == 6


def test_weights_are_int8_per_channel_and_biases_stay_float(int8: onnx.ModelProto) -> None:
    found = constants(int8)

    assert found["network.body.weight.levels"].dtype == np.int8
    assert found["network.body.weight.scale"].shape == (8,)
    assert found["network.body.bias"].dtype == np.float32
    assert "network.body.weight" not in found


def test_statistics_read_float_features(int8: onnx.ModelProto) -> None:
    assert node(int8, "ReduceMean").input[0] == "stem_active"


def test_pixels_enter_without_loss(
    stylizer: onnx.ModelProto, thresholds: dict[str, float], samples: list[Sample]
) -> None:
    only_stem = quantised(stylizer, {"stem": thresholds["stem"]})
    only_weight = copied(stylizer)
    weight = constants(stylizer)["network.stem.weight"].astype(np.float32)
    scale = channel_scales(weight)[:, None, None, None]
    set_constant(only_weight, "network.stem.weight", np.rint(weight / scale) * scale)
    runs = [StylizerRun(one, ["stem"], threads=1) for one in (only_stem, only_weight)]

    made, wanted = (run.tensors(*samples[0])["stem"] for run in runs)

    # The bias makes up for the middle of the float weights, the product for that of the rounded.
    offset = 128 * (weight - np.rint(weight / scale) * scale).sum((1, 2, 3))
    np.testing.assert_allclose(made, wanted + offset[None, :, None, None], atol=1e-3)


def test_the_picture_is_kept(gate: Gate, int8: onnx.ModelProto) -> None:
    assert gate.judge(StylizerRun(int8, threads=1), "int8").psnr > 35


def test_a_lifted_layer_stays_float(
    stylizer: onnx.ModelProto, thresholds: dict[str, float]
) -> None:
    mixed = quantised(stylizer, thresholds, ["body"])

    assert convolutions(mixed)["body"].input[1] == "network.body.weight"
    assert node(mixed, "Conv", 2).input[1] == "network.head.weight.values"


def test_a_split_layer_is_nearer_to_float(
    stylizer: onnx.ModelProto, thresholds: dict[str, float], samples: list[Sample]
) -> None:
    limit = {"body": thresholds["body"]}
    exact, plain, split = (
        StylizerRun(one, ["body"], threads=1).tensors(*samples[0])["body"]
        for one in (
            quantised(stylizer, {}),
            quantised(stylizer, limit),
            quantised(stylizer, limit, split=["body"]),
        )
    )

    weights = np.abs(plain - exact).mean()  # rounded alike in both

    assert np.abs(split - exact).mean() < 0.7 * weights


def test_pixels_need_but_one_number(
    stylizer: onnx.ModelProto, thresholds: dict[str, float]
) -> None:
    plain, split = (quantised(stylizer, thresholds, split=s) for s in ((), ("stem",)))

    assert split == plain


def test_the_float_graph_is_left_as_it_was(
    stylizer: onnx.ModelProto, thresholds: dict[str, float]
) -> None:
    before = stylizer.SerializeToString()

    quantised(stylizer, thresholds)

    assert stylizer.SerializeToString() == before


def test_a_layer_that_is_not_there_is_refused(
    stylizer: onnx.ModelProto, thresholds: dict[str, float]
) -> None:
    with pytest.raises(OptionError, match="layer 'tail' is not in the graph, which has stem, body"):
        quantised(stylizer, thresholds, ["tail"])


def test_only_the_first_convolution_reads_pixels(stylizer: onnx.ModelProto) -> None:
    found = {layer: reads_pixels(stylizer, conv) for layer, conv in convolutions(stylizer).items()}

    assert found == {"stem": True, "body": False, "head": False}


def test_a_convolution_that_pads_zeros_is_not_shifted(stylizer: onnx.ModelProto) -> None:
    model = copied(stylizer)
    stem = convolutions(model)["stem"]
    stem.attribute.append(helper.make_attribute("pads", [1, 1, 1, 1]))

    assert not reads_pixels(model, stem)


def test_a_channel_of_zero_weights_has_a_scale() -> None:
    assert channel_scales(np.zeros((2, 3, 1, 1), np.float32)).tolist() == [1.0, 1.0]


def test_balance_changes_nothing_in_float(
    stylizer: onnx.ModelProto, samples: list[Sample], gate: Gate
) -> None:
    even = balanced(stylizer, channel_ranges(stylizer, samples))

    assert gate.judge(StylizerRun(even, threads=1), "fp32").psnr > 60


def test_balance_rescues_a_network_with_an_outlier_channel(
    make_stylizer: Callable[..., onnx.ModelProto], samples: list[Sample], gate: Gate
) -> None:
    hostile = make_stylizer(outlier=400.0)
    even = balanced(hostile, channel_ranges(hostile, samples))

    plain, rescued = (
        gate.judge(
            StylizerRun(quantised(one, ActivationRanges(one, samples).thresholds("max"))), "int8"
        )
        for one in (hostile, even)
    )

    assert not plain.passed
    assert rescued.psnr > plain.psnr + 10


def test_a_channel_on_one_side_of_zero_gets_all_levels(
    stylizer: onnx.ModelProto, samples: list[Sample]
) -> None:
    """Leaky ReLUs made it: symmetric levels without a shift would leave half of them unused."""
    even = balanced(stylizer, channel_ranges(stylizer, samples))

    before, after = (
        ActivationRanges(one, samples).thresholds("max")["head"] for one in (stylizer, even)
    )
    found = channel_ranges(even, samples)["head"]

    assert after < before
    np.testing.assert_allclose(found.low, -found.high, atol=1e-5)


def test_a_convolution_that_pads_is_not_centred(
    stylizer: onnx.ModelProto, samples: list[Sample]
) -> None:
    padding = copied(stylizer)
    convolutions(padding)["head"].attribute.append(helper.make_attribute("pads", [0, 0, 0, 1]))
    ranges = channel_ranges(stylizer, samples)

    even = balanced(padding, {"head": ranges["head"]})

    assert not constants(even)["network.head.weight.offset"].any()
    assert ranges["head"].centre.any()


def test_a_bias_that_others_read_stays_theirs(
    stylizer: onnx.ModelProto, samples: list[Sample]
) -> None:
    shared = copied(stylizer)
    convolutions(shared)["body"].input[2] = "network.stem.bias"

    even = balanced(shared, {"body": channel_ranges(stylizer, samples)["body"]})

    kept = constants(shared)["network.stem.bias"]
    np.testing.assert_array_equal(constants(even)["network.stem.bias"], kept)
    assert convolutions(even)["body"].input[2] != "network.stem.bias"


def test_rounded_weights_leave_the_mean_of_a_layer_where_it_was(
    stylizer: onnx.ModelProto, samples: list[Sample]
) -> None:
    """The stem: pixels lose nothing in INT8, so that its weights alone are rounded."""
    means = ActivationRanges(stylizer, samples[:1]).means
    graphs = (
        quantised(stylizer, {"stem": 255.0}),
        quantised(stylizer, {"stem": 255.0}, means=means),
        stylizer,
    )

    plain, corrected, wanted = (
        StylizerRun(one, ["stem"], threads=1).tensors(*samples[0])["stem"].mean((0, 2, 3))
        for one in graphs
    )

    assert np.abs(corrected - wanted).max() < np.abs(plain - wanted).max() / 10


def test_a_good_graph_breaks_no_rule(int8: onnx.ModelProto, stylizer: onnx.ModelProto) -> None:
    assert broken_quantised_rules(int8, stylizer) == []


@pytest.mark.parametrize(
    ("name", "value", "match"),
    [
        ("network.body.weight.input_zero", np.array(5, np.int8), "zero point other than 0"),
        ("network.body.weight.input_zero", np.array(0, np.uint8), "expected INT8, found uint8"),
        ("network.body.weight.input_scale", np.array(0, np.float32), "expected scales above 0"),
        ("network.body.weight.input_scale", np.ones(8, np.float32), "expected one scale for an"),
    ],
)
def test_levels_that_engines_refuse_are_told(
    int8: onnx.ModelProto,
    stylizer: onnx.ModelProto,
    name: str,
    value: Array,
    match: str,
) -> None:
    broken = copied(int8)
    set_constant(broken, name, value)

    with pytest.raises(QualityError, match=match):
        check_quantised(broken, stylizer)


def test_a_quantised_bias_is_told(int8: onnx.ModelProto, stylizer: onnx.ModelProto) -> None:
    broken = copied(int8)
    set_constant(broken, "bias_levels", np.zeros(8, np.int32))
    set_constant(broken, "bias_scale", np.ones(8, np.float32))
    set_constant(broken, "bias_zero", np.zeros(8, np.int32))
    names = ["bias_levels", "bias_scale", "bias_zero"]
    broken.graph.node.insert(0, helper.make_node("DequantizeLinear", names, ["bias"], axis=0))
    node(broken, "Conv", 1).input[2] = "bias"

    with pytest.raises(QualityError, match="expected INT8, found int32"):
        check_quantised(broken, stylizer)


def test_statistics_of_quantised_features_are_told(
    int8: onnx.ModelProto, stylizer: onnx.ModelProto
) -> None:
    broken = copied(int8)
    node(broken, "ReduceMean").input[0] = "network.body.weight.input"

    with pytest.raises(QualityError, match="expected to be read by convolutions alone"):
        check_quantised(broken, stylizer)


def test_an_operator_that_not_all_engines_take_is_told(
    int8: onnx.ModelProto, stylizer: onnx.ModelProto
) -> None:
    broken = copied(int8)
    node(broken, "LeakyRelu").op_type = "QLinearLeakyRelu"

    with pytest.raises(QualityError, match="operator QLinearLeakyRelu is not one that all engines"):
        check_quantised(broken, stylizer)


def test_levels_on_uint8_pixels_are_told(int8: onnx.ModelProto, stylizer: onnx.ModelProto) -> None:
    broken = copied(int8)
    node(broken, "Transpose").input[0] = "frame"

    with pytest.raises(QualityError, match="Transpose on uint8: Cast must come first"):
        check_quantised(broken, stylizer)


def test_levels_taken_from_anything_but_what_they_were_made_of_are_told(
    stylizer: onnx.ModelProto, thresholds: dict[str, float]
) -> None:
    broken = quantised(stylizer, thresholds, split=["body"])
    (rest,) = (n for n in broken.graph.node if n.op_type == "Sub" and n.output[0].endswith(".rest"))
    rest.input[0] = "planes"

    with pytest.raises(QualityError, match="read by convolutions alone"):
        check_quantised(broken, stylizer)
