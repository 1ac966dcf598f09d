"""Even out the channels before a convolution, so that one INT8 scale fits all of them."""

from collections.abc import Mapping

import numpy as np
import onnx

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

SHARE = 0.75  # of a channel's range that moves into the weights, which have scales of their own
SMALLEST = 1e-3  # of the largest channel: what is smaller is treated as so large


def balanced(model: onnx.ModelProto, peaks: Mapping[str, Floats]) -> onnx.ModelProto:
    """The same function with the inputs of convolutions divided, and their weights multiplied.

    SmoothQuant's migration (arXiv 2211.10438, equation 4) for convolutions: channel j is divided by
    ``max|X_j|^a / max|W_j|^(1 - a)``. Without it a few channels with a large range leave a handful
    of levels to the others. The division is one multiplication per value, which engines fuse with
    what made the value.

    Args:
        model: A float graph.
        peaks: How large each channel becomes, `(C,)` by layer; layers not in it stay as they are.
    """
    model = copied(model)
    weights, nodes = constants(model), []
    layers = set(convolutions(model)) & set(peaks)
    for node in model.graph.node:
        if node.op_type == "Conv" and layer_of(node) in layers:
            weight = node.input[1]
            values = np.asarray(weights[weight], np.float32)
            divisor = _divisor(peaks[layer_of(node)], values)
            set_constant(model, weight, values * divisor[None, :, None, None])
            factor, even = f"{weight}.balance", f"{weight}.balanced"
            set_constant(model, factor, (1 / divisor).reshape(1, -1, 1, 1))
            nodes.append(node_of("Mul", [node.input[0], factor], even))
            node.input[0] = even
        nodes.append(node)
    set_nodes(model, nodes)
    return model


def _divisor(peaks: Floats, weight: Floats) -> Floats:
    heaviest = np.abs(weight).max((0, 2, 3))
    inputs = np.maximum(peaks, max(float(peaks.max()) * SMALLEST, 1e-12))
    heaviest = np.maximum(heaviest, max(float(heaviest.max()) * SMALLEST, 1e-12))
    divisor = inputs**SHARE / heaviest ** (1 - SHARE)
    return np.asarray(divisor / np.exp(np.log(divisor).mean()), np.float32)
