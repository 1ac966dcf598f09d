"""What every pass over an ONNX graph needs: constants, convolutions by name, nodes replaced."""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

Array = npt.NDArray[np.generic]
Floats = npt.NDArray[np.float32]


def copied(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy to edit."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    return copy


def constants(model: onnx.ModelProto) -> dict[str, Array]:
    """Every initializer by name."""
    return {one.name: numpy_helper.to_array(one) for one in model.graph.initializer}


def convolutions(model: onnx.ModelProto) -> dict[str, onnx.NodeProto]:
    """Convolutions by the name of their layer, in the order they run.

    A layer is called as in the network, after its weight: ``stem``, ``blocks.0.first``.
    """
    return {layer_of(node): node for node in model.graph.node if node.op_type == "Conv"}


def layer_of(conv: onnx.NodeProto) -> str:
    """The layer's name: its weight's, less what all weights share."""
    weight: str = conv.input[1]
    return weight.removeprefix("network.").removesuffix(".weight")


def part_shared_weights(model: onnx.ModelProto) -> None:
    """Give each convolution weights of its own: a layer is known by the name of its weight.

    A network may run one layer twice in a frame, on values whose ranges have nothing in common.
    """
    known: dict[str, int] = {}
    arrays = constants(model)
    for node in model.graph.node:
        if node.op_type != "Conv":
            continue
        weight = node.input[1]
        known[weight] = known.get(weight, 0) + 1
        if known[weight] == 1:
            continue
        for place in range(1, len(node.input)):
            name = node.input[place]
            stem, _, last = name.rpartition(".")
            own = f"{stem}.{known[weight]}.{last}"
            set_constant(model, own, arrays[name])
            node.input[place] = own


def set_constant(model: onnx.ModelProto, name: str, value: Array) -> None:
    """Add an initializer, or replace the one of this name."""
    fresh = numpy_helper.from_array(value, name)
    for one in model.graph.initializer:
        if one.name == name:
            one.CopyFrom(fresh)
            return
    model.graph.initializer.append(fresh)


def pads(conv: onnx.NodeProto) -> bool:
    """Whether a convolution pads its input by itself."""
    return any(any(a.ints) for a in conv.attribute if a.name == "pads")


def add_to_bias(
    model: onnx.ModelProto, conv: onnx.NodeProto, addend: npt.NDArray[np.float64]
) -> None:
    """Give a convolution a bias larger by `(O,)`, of its own: others may read the former one."""
    if not np.any(addend):
        return
    known, name = constants(model), f"{conv.input[1]}.bias"
    former = np.asarray(known[conv.input[2]], np.float64) if len(conv.input) > 2 else 0.0
    set_constant(model, name, (former + addend).astype(np.float32))
    del conv.input[2:]
    conv.input.append(name)


def set_nodes(model: onnx.ModelProto, nodes: Iterable[onnx.NodeProto]) -> None:
    """Replace all nodes; constants that nothing reads any more go too."""
    kept = list(nodes)
    del model.graph.node[:]
    model.graph.node.extend(kept)
    read = {name for node in kept for name in node.input}
    read |= {value.name for value in model.graph.output}
    used = [one for one in model.graph.initializer if one.name in read]
    del model.graph.initializer[:]
    model.graph.initializer.extend(used)


def node_of(operator: str, inputs: list[str], output: str, **attributes: int) -> onnx.NodeProto:
    """A node of one output, named after it."""
    node = helper.make_node(operator, inputs, [output], name=f"node_{output}")
    node.attribute.extend(helper.make_attribute(name, v) for name, v in attributes.items())
    return node
