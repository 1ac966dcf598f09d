"""Convolutions that read and write blocks of pixels where they lie."""

from collections.abc import Iterator
from itertools import islice

import numpy as np
import onnx
from onnx import helper

from hsi.calibrate.graph_edit import Array, copied, node_of, set_constant, set_nodes
from hsi.calibrate.graph_links import Links, attributes_of, channelwise

TO_LAST, TO_FIRST, SWAP = [0, 2, 3, 1], [0, 3, 1, 2], [0, 1, 3, 2, 4]
ROWS = 2  # of a block that is written
FEW = 8  # channels: half of what a vector of 512 bits holds


def without_block_moves(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same function without the transpositions between rows of pixels and blocks of them.

    A convolution that reads blocks becomes one with a tall kernel, which steps over the rows of a
    block: runs of pixels in a row are channels as they lie. One that writes blocks of two rows
    becomes two, one a row, whose results are put one row below the other: what moves are whole
    rows, where the transposition moved single runs. Weights are rearranged and not computed anew,
    so levels stay what they are.

    Args:
        model: A graph of any precision.
    """
    model = copied(model)
    del model.graph.value_info[:]  # told the shapes of before
    for name in [node.output[0] for node in model.graph.node if node.op_type == "Transpose"]:
        links = Links(model)
        swap = links.maker(name)
        if swap is not None and attributes_of(swap)["perm"] == SWAP:
            _read_rows(model, links, swap)
            _write_rows(model, Links(model), swap)
    return model


def _read_rows(model: onnx.ModelProto, links: Links, swap: onnx.NodeProto) -> None:
    """Reshape, swap, Reshape, Transpose, Conv: to Reshape, Transpose, tall Conv."""
    split = links.maker(swap.input[0])
    behind = list(islice(links.behind(swap.output[0]), 3))
    if split is None or [n.op_type for n in behind] != ["Reshape", "Transpose", "Conv"]:
        return
    join, planes, conv = behind
    side, run = (_side_of(links, split, place) for place in (2, 4))
    weight = links.constants.get(_stored(links, conv))
    if weight is None or not side or not run or weight.shape[1] != side * run:
        return
    if not _is_plain(conv) or attributes_of(planes)["perm"] != TO_FIRST:
        return
    tall = _tall(weight, run)
    rows = tall.shape[2] // weight.shape[2]
    set_constant(model, _stored(links, conv), tall)
    _set_ints(conv, kernel_shape=list(tall.shape[2:]), strides=[rows, 1])
    _say_size(model, links, split, conv)
    shape = f"{planes.output[0]}.rows"
    set_constant(model, shape, np.array([0, 0, -1, run]))
    lying = node_of("Reshape", [split.input[0], shape], f"{planes.output[0]}.lying")
    planes.input[0] = lying.output[0]
    _replace(model, [split, swap, join], planes, [lying, planes])


def _say_size(
    model: onnx.ModelProto, links: Links, split: onnx.NodeProto, conv: onnx.NodeProto
) -> None:
    """Give that which a tall convolution makes its size: the blocks, less those at the rim.

    It has it already, and engines of one size drop the Reshape. TensorRT, for frames of any size,
    does not see that so many rows in steps of four are as many as the trunk makes, and refuses.
    """
    sides = links.maker(split.input[1])
    if sides is None or sides.op_type != "Concat":  # of one size: nothing to find out
        return
    name, rim = conv.output[0], links.constants[_stored(links, conv)].shape[3] - 1
    set_constant(model, f"{name}.kept", np.array([0, 0]))
    set_constant(model, f"{name}.rim", np.array([0, 0, rim, rim]))
    conv.output[0], conv.name = f"{name}.tall", f"node_{name}.tall"
    rows, columns = sides.input[1], sides.input[3]
    nodes = [
        node_of("Concat", [f"{name}.kept", rows, columns], f"{name}.blocks", axis=0),
        node_of("Sub", [f"{name}.blocks", f"{name}.rim"], f"{name}.size"),
        node_of("Reshape", [conv.output[0], f"{name}.size"], name),
    ]
    made = [node.output[0] for node in model.graph.node].index(conv.output[0])
    set_nodes(model, [*model.graph.node[: made + 1], *nodes, *model.graph.node[made + 1 :]])


def _tall(weight: Array, run: int) -> Array:
    """`(O, rows run, k, k)` to `(O, run, rows k, k)`."""
    made, read, height, width = weight.shape
    split = weight.reshape(made, read // run, run, height, width).transpose(0, 2, 3, 1, 4)
    return np.ascontiguousarray(split.reshape(made, run, -1, width))


def _write_rows(model: onnx.ModelProto, links: Links, swap: onnx.NodeProto) -> None:
    """Conv, ..., Transpose, Reshape, swap: to two Convs, ..., Transpose, Reshape, and a Concat."""
    before = list(links.before(swap.input[0]))
    if [node.op_type for node in before[:2]] != ["Reshape", "Transpose"]:
        return
    if attributes_of(before[1])["perm"] != TO_LAST:
        return
    work = _until_convolution(links, before[2:])
    side, run = (_side_of(links, before[0], place) for place in (3, 4))
    if not work or not run or side != ROWS or not _is_plain(work[0]):
        return
    if links.constants[_stored(links, work[0])].shape[0] != ROWS * run:
        return
    shape = f"{swap.output[0]}.row"
    set_constant(model, shape, np.array([0, 0, 1, -1]))
    nodes: list[onnx.NodeProto] = []
    rows = []
    for row in range(ROWS):
        nodes += _row_of(model, links, work, row)
        last = nodes[-1].output[0]
        lying, flat = f"{last}.lying", f"{last}.flat"
        nodes.append(helper.make_node("Transpose", [last], [lying], f"node_{lying}", perm=TO_LAST))
        nodes.append(node_of("Reshape", [lying, shape], flat))
        rows.append(flat)
    nodes.append(node_of("Concat", rows, swap.output[0], axis=2))
    _replace(model, [*work, *before[:2]], swap, nodes)


def _until_convolution(links: Links, before: list[onnx.NodeProto]) -> list[onnx.NodeProto]:
    """A convolution and the elementwise work behind it, in the order they run; or nothing."""
    work: list[onnx.NodeProto] = []
    for node in before:
        work.insert(0, node)
        if node.op_type == "Conv":
            return work if _stored(links, node) in links.constants and len(node.input) > 2 else []
        pair = node.op_type in ("QuantizeLinear", "DequantizeLinear", "LeakyRelu", "Relu")
        if not pair and channelwise(node, links.constants) is None:
            break
    return []


def _row_of(
    model: onnx.ModelProto, links: Links, work: list[onnx.NodeProto], row: int
) -> Iterator[onnx.NodeProto]:
    """The convolution of one row of each block, and what comes behind it."""
    renamed: dict[str, str] = {}
    made = links.constants[_stored(links, work[0])].shape[0]
    few = made // ROWS < FEW
    known = [n for node in (links.maker(work[0].input[1]), *work) if node for n in node.input]
    for name in known:
        value = links.constants.get(name)
        if value is not None and made in value.shape[: 2 if value.shape[:1] == (1,) else 1]:
            axis = 0 if value.shape[0] == made else 1
            part = np.split(value, ROWS, axis)[row]
            renamed[name] = f"{name}.{row}"
            set_constant(model, renamed[name], _paired(part, axis) if few else part)
    weights = links.maker(work[0].input[1])
    for node in (weights, *work):
        if node is None:
            continue
        fresh = onnx.NodeProto()
        fresh.CopyFrom(node)
        renamed[node.output[0]] = f"{node.output[0]}.{row}"
        fresh.input[:] = [renamed.get(name, name) for name in node.input]
        fresh.output[0] = renamed[node.output[0]]
        fresh.name = f"node_{fresh.output[0]}"
        if few and node.op_type == "Conv":
            height, width = links.constants[_stored(links, node)].shape[2:]
            _set_ints(fresh, kernel_shape=[height, width + 1], strides=[1, 2])
        yield fresh


def _paired(value: Array, axis: int) -> Array:
    """Constants of a convolution for two neighbouring columns at once, which fill a vector."""
    if value.ndim < 4 or axis:
        return np.concatenate([value, value], axis)
    left, right = (np.pad(value, ((0, 0), (0, 0), (0, 0), pad)) for pad in ((0, 1), (1, 0)))
    return np.concatenate([left, right])


def _stored(links: Links, conv: onnx.NodeProto) -> str:
    """The name of the constant that holds a convolution's weight, in levels or not."""
    maker = links.maker(conv.input[1])
    name: str = conv.input[1] if maker is None else maker.input[0]
    return name


def _side_of(links: Links, reshape: onnx.NodeProto, place: int) -> int | None:
    """One of the five sides that a Reshape makes, where it is constant."""
    if reshape.op_type != "Reshape":
        return None
    maker, name = links.maker(reshape.input[1]), reshape.input[1]
    sides = [name] if maker is None else maker.input
    known = [links.constants.get(side) for side in sides]
    if len(known) == 1 and known[0] is not None and known[0].size > place:
        return int(known[0][place])
    value = known[place] if len(known) > place else None
    return None if value is None else int(value.reshape(-1)[0])


def _is_plain(conv: onnx.NodeProto) -> bool:
    """Whether a convolution takes every position and pads nothing."""
    found = attributes_of(conv)
    steps = (*found.get("strides", [1]), *found.get("dilations", [1]), found.get("group", 1))
    return set(steps) == {1} and not any(found.get("pads", [0]))


def _set_ints(node: onnx.NodeProto, **lists: list[int]) -> None:
    kept = [one for one in node.attribute if one.name not in lists]
    del node.attribute[:]
    node.attribute.extend(kept)
    node.attribute.extend(helper.make_attribute(name, values) for name, values in lists.items())


def _replace(
    model: onnx.ModelProto,
    dropped: list[onnx.NodeProto],
    place: onnx.NodeProto,
    nodes: list[onnx.NodeProto],
) -> None:
    """Put nodes in the place of one, and drop others with what only they read."""
    gone = {node.output[0] for node in dropped}
    kept: list[onnx.NodeProto] = []
    for node in model.graph.node:
        if node.output[0] == place.output[0]:
            kept += nodes
        elif node.output[0] not in gone:
            kept.append(node)
    read = {name for node in kept for name in node.input}
    read |= {value.name for value in model.graph.output}
    set_nodes(model, [n for n in kept if n.op_type != "DequantizeLinear" or n.output[0] in read])
