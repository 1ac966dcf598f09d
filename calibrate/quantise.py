"""Symmetric INT8 Q/DQ around convolutions: one graph for TensorRT and OpenVINO."""

from collections.abc import Collection, Mapping
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
import onnx
from onnx import checker

from hsi.calibrate.graph_edit import (
    Array,
    Floats,
    add_to_bias,
    constants,
    convolutions,
    copied,
    layer_of,
    node_of,
    pads,
    set_constant,
    set_nodes,
)
from hsi.calibrate.quantised_rules import LEVELS, check_quantised
from hsi.calibrate.split_levels import with_rest
from hsi.runtime.errors import OptionError

MIDDLE = 128.0  # pixels less this are exactly the signed INT8 numbers
PICTURES = ("frame",)  # graph inputs of pixels
MOVES = frozenset("MatMul Pad Reshape Transpose".split())


def quantised(
    model: onnx.ModelProto,
    thresholds: Mapping[str, float],
    lifted: Collection[str] = (),
    means: Mapping[str, Floats] = MappingProxyType({}),
    split: Collection[str] = (),
) -> onnx.ModelProto:
    """The graph with INT8 convolutions; all else, the statistics above all, stays float.

    Activations have one scale a tensor, weights one an output channel and come as INT8; zero points
    are 0 and biases stay float, as TensorRT asks. The convolution that reads pixels gets them less
    128, which INT8 holds without loss, and a bias that makes up for it.

    Args:
        model: A float stylizer graph.
        thresholds: Where each layer's input is clipped; layers not in it stay float.
        lifted: Layers that stay float all the same.
        means: Of each layer's input, `(C,)`: its bias then makes up for what the rounding of its
            weights does to them (bias correction, arXiv 1906.04721, section 4.2).
        split: Layers whose input gets two INT8 numbers a value; pixels need but one.

    Raises:
        OptionError: A lifted or split layer is none of the graph's.
        QualityError: The result breaks a rule of the engines.
    """
    layers = convolutions(model)
    if unknown := sorted({*lifted, *split} - set(layers)):
        raise OptionError(
            f"layer {unknown[0]!r} is not in the graph, which has {', '.join(layers)}"
        )
    float_model, model = model, copied(model)
    nodes: list[onnx.NodeProto] = []
    for node in model.graph.node:
        if node.op_type == "Conv" and layer_of(node) in set(thresholds) - set(lifted):
            layer = layer_of(node)
            apart = layer in split and not reads_pixels(model, node)
            made = _quantised_conv(model, node, thresholds[layer], means.get(layer))
            nodes += with_rest(model, made) if apart else made
        else:
            nodes.append(node)
    set_nodes(model, nodes)
    checker.check_model(model)
    check_quantised(model, float_model)
    return model


def _quantised_conv(
    model: onnx.ModelProto, conv: onnx.NodeProto, threshold: float, mean: Floats | None
) -> list[onnx.NodeProto]:
    before, (source, weight) = [], conv.input[:2]
    values = np.asarray(constants(model)[weight], np.float32)
    middle = MIDDLE if reads_pixels(model, conv) else 0.0
    add_to_bias(model, conv, _made_up(values, middle, mean))
    if middle:
        set_constant(model, f"{weight}.middle", np.array(MIDDLE, np.float32))
        before.append(node_of("Sub", [source, f"{weight}.middle"], f"{weight}.centred"))
        source, threshold = f"{weight}.centred", float(LEVELS)
    pair = _activation_pair(model, source, weight, threshold)
    conv.input[0] = pair[-1].output[0]
    dequantise = _quantised_weight(model, weight)
    conv.input[1] = dequantise.output[0]
    return [*before, *pair, dequantise, conv]


def _made_up(weight: Floats, middle: float, mean: Floats | None) -> npt.NDArray[np.float64]:
    """What a bias makes up for, `(O,)`: inputs that come less a middle, and rounded weights."""
    # Float64: a middle of 128 times some hundred weights. Exact, since nothing here is padded.
    shifts = np.full(weight.shape[1], middle, np.float64)
    found = np.einsum("oihw,i->o", weight, shifts)
    if mean is not None:
        found += np.einsum("oihw,i->o", weight - rounded(weight), mean - shifts)
    return np.asarray(found, np.float64)


def reads_pixels(model: onnx.ModelProto, conv: onnx.NodeProto) -> bool:
    """Whether a convolution's input is the frame itself, merely moved, and nothing is padded."""
    makers = {name: node for node in model.graph.node for name in node.output}
    if pads(conv):
        return False
    # Moving is a product with the identity: the pixels are its first operand or its second.
    ahead, seen = [conv.input[0]], set()
    while ahead:
        maker = makers.get(ahead.pop())
        if maker is None or id(maker) in seen:
            continue
        seen.add(id(maker))
        if maker.op_type == "Cast" and maker.input[0] in PICTURES:
            return True
        if maker.op_type in MOVES:
            ahead += maker.input[:2] if maker.op_type == "MatMul" else maker.input[:1]
    return False


def _activation_pair(
    model: onnx.ModelProto, source: str, weight: str, threshold: float
) -> list[onnx.NodeProto]:
    scale, zero = f"{weight}.input_scale", f"{weight}.input_zero"
    set_constant(model, scale, np.array(threshold / LEVELS, np.float32))
    set_constant(model, zero, np.array(0, np.int8))
    levels, values = f"{weight}.input_levels", f"{weight}.input"
    return [
        node_of("QuantizeLinear", [source, scale, zero], levels),
        node_of("DequantizeLinear", [levels, scale, zero], values),
    ]


def _quantised_weight(model: onnx.ModelProto, weight: str) -> onnx.NodeProto:
    values = np.asarray(constants(model)[weight], np.float32)
    scales = channel_scales(values)
    levels = _levels(values).astype(np.int8)
    names = [f"{weight}.levels", f"{weight}.scale", f"{weight}.zero"]
    arrays: tuple[Array, ...] = (levels, scales, np.zeros(len(scales), np.int8))
    for name, array in zip(names, arrays, strict=True):
        set_constant(model, name, array)
    return node_of("DequantizeLinear", names, f"{weight}.values", axis=0)


def rounded(weight: Floats) -> Floats:
    """What INT8 makes of a weight `(O, I, H, W)`."""
    return np.asarray(_levels(weight) * channel_scales(weight)[:, None, None, None], np.float32)


def _levels(weight: Floats) -> Floats:
    scales = channel_scales(weight)[:, None, None, None]
    return np.asarray(np.rint(weight / scales).clip(-LEVELS, LEVELS), np.float32)


def channel_scales(weight: Floats) -> Floats:
    """Per output channel, `(O,)`, of a weight `(O, I, H, W)`; 1 for a channel of zeros."""
    largest = np.abs(weight).max((1, 2, 3)) / LEVELS
    return np.asarray(np.where(largest > 0, largest, 1.0), np.float32)
