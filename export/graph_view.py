"""A graph as its rules read it: types, constants, who makes a tensor and who reads it."""

from collections import defaultdict
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import numpy_helper, shape_inference


class GraphView:
    """One graph, looked into once.

    Args:
        model: Read, never written. Whatever its shape inference cannot tell is unknown.
    """

    def __init__(self, model: onnx.ModelProto) -> None:
        graph = model.graph
        self.outputs = {value.name for value in graph.output}
        self.makers = {name: node for node in graph.node for name in node.output}
        self.readers: dict[str, list[onnx.NodeProto]] = defaultdict(list)
        for node in graph.node:
            for name in node.input:
                self.readers[name].append(node)
        self.constants = {one.name: numpy_helper.to_array(one) for one in graph.initializer}
        for node in graph.node:
            if node.op_type == "Constant":
                self.constants[node.output[0]] = _constant_of(node)
        self._types = _types_of(model)

    def type_of(self, name: str) -> int:
        """The element type of a tensor, as `onnx.TensorProto` numbers them; 0 if unknown."""
        return self._types.get(name, onnx.TensorProto.UNDEFINED)


def attribute_of(node: onnx.NodeProto, name: str, default: Any = None) -> Any:
    """The value of a node's attribute; text as `str`."""
    found = [onnx.helper.get_attribute_value(a) for a in node.attribute if a.name == name]
    value = found[0] if found else default
    return value.decode() if isinstance(value, bytes) else value


def name_of(node: onnx.NodeProto) -> str:
    """What to call a node."""
    return f"node {node.name or node.output[0]}"


def type_name(element: int) -> str:
    """The name of an element type, such as ``float16``."""
    name: str = onnx.TensorProto.DataType.Name(element)
    return name.lower()


def _constant_of(node: onnx.NodeProto) -> npt.NDArray[np.generic]:
    (value,) = (onnx.helper.get_attribute_value(a) for a in node.attribute)
    if isinstance(value, onnx.TensorProto):
        return numpy_helper.to_array(value)
    return np.asarray(value, np.float32 if "float" in node.attribute[0].name else None)


def _types_of(model: onnx.ModelProto) -> dict[str, int]:
    graph = shape_inference.infer_shapes(model).graph
    values = [*graph.value_info, *graph.input, *graph.output]
    types = {one.name: one.data_type for one in graph.initializer}
    return types | {value.name: value.type.tensor_type.elem_type for value in values}
