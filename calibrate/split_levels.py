"""Values in two INT8 numbers: levels, and what these leave over."""

import numpy as np
import onnx

from hsi.calibrate.graph_edit import constants, node_of, set_constant
from hsi.calibrate.quantised_rules import LEVELS


def with_rest(model: onnx.ModelProto, nodes: list[onnx.NodeProto]) -> list[onnx.NodeProto]:
    """A quantised convolution, and beside it one of what its input's levels leave over.

    The rest lies within half a level, and gets levels of its own there: 254 times finer. That
    is two INT8 convolutions with the same weights. What was clipped stays clipped.

    Args:
        model: Gets the constants.
        nodes: The pair of its input, that of its weight, the convolution; edited.
    """
    quantise, dequantise, weights, conv = nodes
    levels, scale, zero = dequantise.input
    name, made = dequantise.output[0], conv.output[0]
    coarse, rest, fine = f"{name}.coarse", f"{name}.rest", f"{name}.rest_scale"
    whole = np.asarray(constants(model)[scale], np.float32)
    set_constant(model, fine, np.asarray(whole / 2 / LEVELS, np.float32))
    beside = onnx.NodeProto()
    beside.CopyFrom(conv)
    for one, part in ((conv, "coarse"), (beside, "rest")):
        one.output[0] = f"{made}.{part}"
        one.name = f"node_{one.output[0]}"  # the sum has that of what is made
    del beside.input[:]  # the bias counts once
    beside.input.extend([f"{rest}.values", weights.output[0]])
    return [
        *nodes,
        node_of("DequantizeLinear", [levels, scale, zero], coarse),
        node_of("Sub", [quantise.input[0], coarse], rest),
        node_of("QuantizeLinear", [rest, fine, zero], f"{rest}.levels"),
        node_of("DequantizeLinear", [f"{rest}.levels", fine, zero], f"{rest}.values"),
        beside,
        node_of("Add", [conv.output[0], beside.output[0]], made),
    ]
