"""Symmetric INT8 Q/DQ around convolutions: one graph for TensorRT and OpenVINO."""

from collections.abc import Collection, Mapping

import numpy as np
import onnx
from onnx import checker

from hsi.calibrate.graph_edit import (
    Floats,
    constants,
    convolutions,
    copied,
    layer_of,
    node_of,
    set_constant,
    set_nodes,
)
from hsi.calibrate.quantised_rules import check_quantised
from hsi.runtime.errors import OptionError

LEVELS = 127  # on each side of 0
MIDDLE = 128.0  # pixels less this are exactly the signed INT8 numbers
PICTURES = ("frame",)  # graph inputs of pixels
MOVES = frozenset("MatMul Pad Reshape Transpose".split())


def quantised(
    model: onnx.ModelProto, thresholds: Mapping[str, float], lifted: Collection[str] = ()
) -> onnx.ModelProto:
    """The graph with INT8 convolutions; all else, the statistics above all, stays float.

    Activations have one scale a tensor, weights one an output channel and come as INT8; zero points
    are 0 and biases stay float, as TensorRT asks. The convolution that reads pixels gets them less
    128, which INT8 holds without loss, and a bias that makes up for it.

    Args:
        model: A float stylizer graph.
        thresholds: Where each layer's input is clipped; layers not in it stay float.
        lifted: Layers that stay float all the same.

    Raises:
        OptionError: A lifted layer is none of the graph's.
        QualityError: The result breaks a rule of the engines.
    """
    layers = convolutions(model)
    if unknown := sorted(set(lifted) - set(layers)):
        raise OptionError(
            f"layer {unknown[0]!r} is not in the graph, which has {', '.join(layers)}"
        )
    float_model, model = model, copied(model)
    nodes: list[onnx.NodeProto] = []
    for node in model.graph.node:
        if node.op_type == "Conv" and layer_of(node) in set(thresholds) - set(lifted):
            nodes += _quantised_conv(model, node, thresholds[layer_of(node)])
        else:
            nodes.append(node)
    set_nodes(model, nodes)
    checker.check_model(model)
    check_quantised(model, float_model)
    return model


def _quantised_conv(
    model: onnx.ModelProto, conv: onnx.NodeProto, threshold: float
) -> list[onnx.NodeProto]:
    before, (source, weight) = [], conv.input[:2]
    if reads_pixels(model, conv):
        _centre(model, conv)
        before.append(node_of("Sub", [source, f"{weight}.middle"], f"{weight}.centred"))
        source, threshold = f"{weight}.centred", float(LEVELS)
    pair = _activation_pair(model, source, weight, threshold)
    conv.input[0] = pair[-1].output[0]
    dequantise = _quantised_weight(model, weight)
    conv.input[1] = dequantise.output[0]
    return [*before, *pair, dequantise, conv]


def reads_pixels(model: onnx.ModelProto, conv: onnx.NodeProto) -> bool:
    """Whether a convolution's input is the frame itself, merely moved, and nothing is padded."""
    makers = {name: node for node in model.graph.node for name in node.output}
    pads = [a.ints for a in conv.attribute if a.name == "pads"]
    if any(any(values) for values in pads) or len(conv.input) < 3:
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


def _centre(model: onnx.ModelProto, conv: onnx.NodeProto) -> None:
    """Let the bias make up for pixels that come less 128. Exact: no convolution here pads."""
    known = constants(model)
    weight = np.asarray(known[conv.input[1]], np.float64)
    bias = np.asarray(known[conv.input[2]], np.float64) + MIDDLE * weight.sum((1, 2, 3))
    set_constant(model, conv.input[2], bias.astype(np.float32))
    set_constant(model, f"{conv.input[1]}.middle", np.array(MIDDLE, np.float32))


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
    levels = np.rint(values / scales[:, None, None, None]).clip(-LEVELS, LEVELS)
    names = [f"{weight}.levels", f"{weight}.scale", f"{weight}.zero"]
    arrays = (levels.astype(np.int8), scales, np.zeros(len(scales), np.int8))
    for name, array in zip(names, arrays, strict=True):
        set_constant(model, name, array)
    return node_of("DequantizeLinear", names, f"{weight}.values", axis=0)


def channel_scales(weight: Floats) -> Floats:
    """Per output channel, `(O,)`, of a weight `(O, I, H, W)`; 1 for a channel of zeros."""
    largest = np.abs(weight).max((1, 2, 3)) / LEVELS
    return np.asarray(np.where(largest > 0, largest, 1.0), np.float32)
