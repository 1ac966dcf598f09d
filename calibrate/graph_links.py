"""Who makes and who reads each tensor of a graph."""

from collections.abc import Iterator, Mapping
from typing import Any

import onnx

from hsi.calibrate.graph_edit import Array, constants


class Links:
    """The links of a graph as it is now: edits make it stale."""

    def __init__(self, model: onnx.ModelProto) -> None:
        self.constants: Mapping[str, Array] = constants(model)
        self._makers = {name: node for node in model.graph.node for name in node.output}
        self._readers: dict[str, list[onnx.NodeProto]] = {}
        self._outputs = {value.name for value in model.graph.output}
        for node in model.graph.node:
            for name in node.input:
                self._readers.setdefault(name, []).append(node)

    def maker(self, name: str) -> onnx.NodeProto | None:
        """The node that makes a tensor; None for inputs and constants."""
        return self._makers.get(name)

    def only_reader(self, name: str) -> onnx.NodeProto | None:
        """The one node that reads a tensor; None where there are more, or none."""
        readers = self._readers.get(name, [])
        return readers[0] if len(readers) == 1 and name not in self._outputs else None

    def before(self, name: str) -> Iterator[onnx.NodeProto]:
        """The maker of a tensor, of that one's first input and so on, until one branches."""
        node = self.maker(name)
        while node is not None and self.only_reader(node.output[0]) is not None:
            yield node
            node = self.maker(node.input[0])

    def behind(self, name: str) -> Iterator[onnx.NodeProto]:
        """The reader of a tensor, of that one's output and so on, until one branches."""
        node = self.only_reader(name)
        while node is not None:
            yield node
            node = self.only_reader(node.output[0])


def attributes_of(node: onnx.NodeProto) -> dict[str, Any]:
    """A node's attributes by name; texts as `str`, lists as lists."""
    found = {one.name: onnx.helper.get_attribute_value(one) for one in node.attribute}
    plain = {name: v.decode() if isinstance(v, bytes) else v for name, v in found.items()}
    return {
        n: list(v) if hasattr(v, "__iter__") and not isinstance(v, str) else v
        for n, v in plain.items()
    }


def channelwise(node: onnx.NodeProto, known: Mapping[str, Array]) -> Array | None:
    """The constant by which a node scales or shifts each channel: one value, or `(1, C, 1, 1)`."""
    if node.op_type not in ("Mul", "Add", "Sub") or len(node.input) != 2:
        return None
    value = known.get(node.input[1])
    whole = value is not None and (value.size == 1 or value.shape == (1, value.size, 1, 1))
    return value if whole else None
