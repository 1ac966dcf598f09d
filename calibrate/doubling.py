"""Convolutions of doubled features as ones of the features: less than half of the work."""

from collections.abc import Sequence

import numpy as np
import onnx
from onnx import helper

from hsi.calibrate.graph_edit import (
    Array,
    Floats,
    copied,
    node_of,
    set_constant,
    set_nodes,
)
from hsi.calibrate.graph_links import Links, attributes_of, channelwise

PHASES = 2  # pixels a side that repeat one value
ELEMENTWISE = frozenset(("LeakyRelu", "Relu"))


def without_doubling(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same function without the values that nearest-neighbour doubling repeats.

    A 3x3 convolution behind it reads 2x2 different values, and each pixel of a 2x2 block sums its
    weights over them in its own way. So one 2x2 convolution of the features makes all four, at four
    ninths of the multiply-adds, in four times the channels. What scales channels on the way moves
    ahead of it or behind, and the blocks are taken apart last.

    Args:
        model: A float graph.

    Returns:
        A graph with the same tensors at its borders; the one given where nothing doubles.
    """
    given, model = model, copied(model)
    del model.graph.value_info[:]  # told the channels of before
    links, folded = Links(model), False
    for resize in list(model.graph.node):
        if _doubles(resize, links):
            scales, conv = _until_convolution(resize, links)
            if conv is not None and _is_plain(conv, links):
                _fold(model, links, resize, scales, conv)
                links, folded = Links(model), True
    return model if folded else given


def _doubles(node: onnx.NodeProto, links: Links) -> bool:
    if node.op_type != "Resize" or len(node.input) < 3:
        return False
    found, scales = attributes_of(node), links.constants.get(node.input[2])
    how = [found.get(n) for n in ("mode", "nearest_mode", "coordinate_transformation_mode")]
    twice = scales is not None and scales.tolist() == [1, 1, PHASES, PHASES]
    return twice and how == ["nearest", "floor", "asymmetric"]


def _until_convolution(
    resize: onnx.NodeProto, links: Links
) -> tuple[list[onnx.NodeProto], onnx.NodeProto | None]:
    scales: list[onnx.NodeProto] = []
    for node in links.behind(resize.output[0]):
        if node.op_type == "Conv":
            return scales, node
        if channelwise(node, links.constants) is None:
            break
        scales.append(node)
    return scales, None


def _is_plain(conv: onnx.NodeProto, links: Links) -> bool:
    """3x3 at stride 1, nothing padded, weights at hand."""
    weight, found = links.constants.get(conv.input[1]), attributes_of(conv)
    if weight is None or weight.shape[2:] != (3, 3) or len(conv.input) < 3:
        return False
    once = (*found.get("strides", [1, 1]), *found.get("dilations", [1, 1]), found.get("group", 1))
    return not any(found.get("pads", [0])) and set(once) == {1}


def _fold(
    model: onnx.ModelProto,
    links: Links,
    resize: onnx.NodeProto,
    scales: Sequence[onnx.NodeProto],
    conv: onnx.NodeProto,
) -> None:
    first = scales[0] if scales else conv
    first.input[0] = resize.input[0]
    weight = np.asarray(links.constants[conv.input[1]], np.float32)
    blocks = PHASES**2
    set_constant(model, conv.input[1], folded_weight(weight))
    set_constant(model, conv.input[2], np.tile(links.constants[conv.input[2]], blocks))
    for attribute in conv.attribute:
        if attribute.name == "kernel_shape":
            attribute.ints[:] = [PHASES, PHASES]
    last = conv
    for node in links.behind(conv.output[0]):
        value = channelwise(node, links.constants)
        if node.op_type not in ELEMENTWISE and value is None:
            break
        if value is not None and value.size > 1:
            set_constant(model, f"{node.input[1]}.blocks", np.tile(value, (1, blocks, 1, 1)))
            node.input[1] = f"{node.input[1]}.blocks"
        last = node
    apart = _taken_apart(model, resize.input[0], last, len(weight))
    kept = [node for node in model.graph.node if node is not resize]
    place = next(i for i, node in enumerate(kept) if node is last) + 1
    set_nodes(model, [*kept[:place], *apart, *kept[place:]])


def folded_weight(weight: Floats) -> Floats:
    """`(O, I, 3, 3)` to `(4 O, I, 2, 2)`: row in the block, column, channel."""
    taps = np.zeros((PHASES, 2, 3), np.float32)  # phase, tap of the features, tap of the doubled
    for phase in range(PHASES):
        for tap in range(3):
            taps[phase, (phase + tap) // PHASES, tap] = 1
    sums = np.einsum("oiyx,pay,qbx->pqoiab", weight, taps, taps)
    return np.asarray(sums.reshape(-1, *sums.shape[3:]), np.float32)


def _taken_apart(
    model: onnx.ModelProto, features: str, last: onnx.NodeProto, channels: int
) -> list[onnx.NodeProto]:
    """Nodes from `(N, 4 C, H, W)` to `(N, C, 2 H, 2 W)`, under the name of what they begin with.

    Sides are those of the features, so that nothing but the moves reads what is moved.
    """
    name = last.output[0]
    start = last.output[0] = f"{name}.blocks"
    known: dict[str, Array] = {
        "one": np.array([1, 1]),
        "pair": np.array([PHASES, PHASES]),
        "channels": np.array([channels]),
        "rows": np.array([0, 0, 0, PHASES, PHASES * channels]),
    }
    for key, value in known.items():
        set_constant(model, f"{name}.{key}", value)
    count, sides, shape = (f"{name}.{key}" for key in ("count", "sides", "shape"))
    less, twice = f"{name}.less", f"{name}.twice"
    lying, split, moved, joined = (f"{name}.{key}" for key in ("lying", "split", "moved", "joined"))
    return [
        helper.make_node("Shape", [features], [count], f"node_{count}", start=0, end=1),
        helper.make_node("Shape", [features], [sides], f"node_{sides}", start=2, end=4),
        node_of("Sub", [sides, f"{name}.one"], less),
        node_of("Mul", [less, f"{name}.pair"], twice),
        node_of("Concat", [count, twice, f"{name}.channels"], shape, axis=0),
        helper.make_node("Transpose", [start], [lying], f"node_{lying}", perm=[0, 2, 3, 1]),
        node_of("Reshape", [lying, f"{name}.rows"], split),
        helper.make_node("Transpose", [split], [moved], f"node_{moved}", perm=[0, 1, 3, 2, 4]),
        node_of("Reshape", [moved, shape], joined),
        helper.make_node("Transpose", [joined], [name], f"node_{name}.apart", perm=[0, 3, 1, 2]),
    ]
