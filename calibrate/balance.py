"""Centre the channels before a convolution and even them out, so that one INT8 scale fits all."""

from collections.abc import Mapping

import numpy as np
import onnx

from hsi.calibrate.graph_edit import (
    Floats,
    add_to_bias,
    constants,
    copied,
    layer_of,
    node_of,
    pads,
    set_constant,
    set_nodes,
)
from hsi.calibrate.ranges import ChannelRange

SHARE = 0.75  # of a channel's range that moves into the weights, which have scales of their own
SMALLEST = 1e-3  # of the largest channel: what is smaller is treated as so large


def balanced(model: onnx.ModelProto, ranges: Mapping[str, ChannelRange]) -> onnx.ModelProto:
    """The same function, with inputs of convolutions centred and divided, and weights multiplied.

    SmoothQuant's migration (arXiv 2211.10438, equation 4) for convolutions: channel j is divided by
    ``max|X_j|^a / max|W_j|^(1 - a)``. Without it a few channels with a large range leave a handful
    of levels to the others. Before that, the middle of its range is taken from it, for which the
    bias makes up: symmetric levels would spend half of themselves on the negative side of a leaky
    ReLU, where there is next to nothing. Both are one multiplication and one addition per value,
    which engines fuse with what made it. A convolution that pads is not centred: its zeros would
    have to move too.

    Args:
        model: A float graph.
        ranges: Of each input channel, by layer; layers not in it stay as they are.
    """
    model = copied(model)
    nodes = []
    for node in model.graph.node:
        if node.op_type == "Conv" and layer_of(node) in ranges:
            nodes += _balance(model, node, ranges[layer_of(node)])
        nodes.append(node)
    set_nodes(model, nodes)
    return model


def _balance(
    model: onnx.ModelProto, conv: onnx.NodeProto, one: ChannelRange
) -> list[onnx.NodeProto]:
    """Edit a convolution; the nodes that have to come before it."""
    weight = conv.input[1]
    values = np.asarray(constants(model)[weight], np.float32)
    centre = np.zeros_like(one.centre) if pads(conv) else one.centre
    divisor = _divisor(one.high - centre, values)
    add_to_bias(model, conv, np.einsum("oihw,i->o", values, centre, dtype=np.float64))
    set_constant(model, weight, values * divisor[None, :, None, None])
    factor, offset, even = f"{weight}.balance", f"{weight}.offset", f"{weight}.balanced"
    set_constant(model, factor, (1 / divisor).reshape(1, -1, 1, 1))
    set_constant(model, offset, (-centre / divisor).reshape(1, -1, 1, 1))
    source, conv.input[0] = conv.input[0], even
    return [
        node_of("Mul", [source, factor], f"{weight}.scaled"),
        node_of("Add", [f"{weight}.scaled", offset], even),
    ]


def _divisor(reach: Floats, weight: Floats) -> Floats:
    heaviest = np.abs(weight).max((0, 2, 3))
    inputs = np.maximum(reach, max(float(reach.max()) * SMALLEST, 1e-12))
    heaviest = np.maximum(heaviest, max(float(heaviest.max()) * SMALLEST, 1e-12))
    divisor = inputs**SHARE / heaviest ** (1 - SHARE)
    return np.asarray(divisor / np.exp(np.log(divisor).mean()), np.float32)
