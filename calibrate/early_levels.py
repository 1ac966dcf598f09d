"""Levels are made before values are moved, so that one byte moves for each and not four."""

import numpy as np
import onnx

from hsi.calibrate.graph_edit import copied, set_constant, set_nodes
from hsi.calibrate.graph_links import Links, attributes_of, channelwise

ANYWHERE = frozenset(("Reshape", "Transpose"))


def with_early_levels(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same levels, made before repeated edges, nearest neighbours and changes of layout.

    A pair of QuantizeLinear and DequantizeLinear, and what scales channels right before it, goes
    ahead of what merely moves values or repeats them. Engines pull the DequantizeLinear behind the
    move by themselves, and move INT8.

    Such levels have a scale of 1: their own goes into what scales the channels, and back into the
    weights. OpenVINO 2026.4 rounds values to whole numbers where others are moved.

    Args:
        model: A quantised graph.
    """
    model = copied(model)
    for levels in [n.output[0] for n in model.graph.node if n.op_type == "QuantizeLinear"]:
        _make_early(model, levels)
    return model


def _make_early(model: onnx.ModelProto, levels: str) -> None:
    links = Links(model)
    quantise, dequantise = links.maker(levels), links.only_reader(levels)
    assert quantise is not None
    if dequantise is None or dequantise.op_type != "DequantizeLinear":
        return
    block: list[onnx.NodeProto] = [quantise]
    moves: list[onnx.NodeProto] = []
    scales: list[onnx.NodeProto] = []
    for node in links.before(quantise.input[0]):
        value = channelwise(node, links.constants)
        if value is not None:
            scales.insert(0, node)
            if not moves:
                block.insert(0, node)
        elif len(scales) == len(block) - 1 and _moves(node, block, links):
            moves.append(node)
        else:
            break
    if moves and _with_unit_scale(model, links, scales, [quantise, dequantise]):
        _swap(model, moves, [*block, dequantise])


def _moves(node: onnx.NodeProto, block: list[onnx.NodeProto], links: Links) -> bool:
    if node.op_type in ANYWHERE:  # channels may become something else: no scale of theirs passes
        return all(links.constants[one.input[1]].size == 1 for one in block)
    repeats = {"Pad": "edge", "Resize": "nearest"}.get(node.op_type)
    return repeats is not None and attributes_of(node).get("mode") == repeats


def _with_unit_scale(
    model: onnx.ModelProto,
    links: Links,
    scales: list[onnx.NodeProto],
    pair: list[onnx.NodeProto],
) -> bool:
    """Give levels a scale of 1; False where nothing ahead or behind can take their own."""
    scale = float(links.constants[pair[1].input[1]])
    if scale == 1:
        return True
    operators = [node.op_type for node in scales]
    weights = _weights_behind(links, pair[1])
    if "Mul" not in operators or weights is None:
        return False
    first, *later = scales[operators.index("Mul") :]
    for node in (first, *(one for one in later if one.op_type != "Mul"), *pair):
        _rescale(model, links, node, 1 / scale)
    _rescale(model, links, weights, scale)
    return True


def _weights_behind(links: Links, dequantise: onnx.NodeProto) -> onnx.NodeProto | None:
    """What dequantises the weights of the one convolution that reads the levels."""
    for node in links.behind(dequantise.output[0]):
        if node.op_type == "Conv":
            weights = links.maker(node.input[1])
            return weights if weights is not None and weights.input[1] in links.constants else None
    return None


def _rescale(model: onnx.ModelProto, links: Links, node: onnx.NodeProto, factor: float) -> None:
    """Multiply a node's constant, which it may share with others."""
    name = f"{node.output[0]}.rescaled"
    value = np.asarray(links.constants[node.input[1]], np.float64) * factor
    set_constant(model, name, value.astype(np.float32))
    node.input[1] = name


def _swap(model: onnx.ModelProto, moves: list[onnx.NodeProto], block: list[onnx.NodeProto]) -> None:
    """Let the block read what the moves read, and the moves read the block; last move first."""
    moved, made = block[0].input[0], block[-1].output[0]
    for node in model.graph.node:
        for place, name in enumerate(node.input):
            if name == made:
                node.input[place] = moved
    block[0].input[0], moves[-1].input[0] = moves[-1].input[0], made
    taken = {node.output[0] for node in block}
    nodes = []
    for node in model.graph.node:
        if node.output[0] == moves[-1].output[0]:
            nodes += block
        if node.output[0] not in taken:
            nodes.append(node)
    set_nodes(model, nodes)
