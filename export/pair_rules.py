"""Rules of QuantizeLinear and DequantizeLinear: symmetric, signed, in pairs, of one float type."""

from collections.abc import Iterator

import numpy as np
import onnx

from hsi.export.graph_view import GraphView, type_name

PAIRS = frozenset(("QuantizeLinear", "DequantizeLinear"))
INT8, UINT8, INT32 = onnx.TensorProto.INT8, onnx.TensorProto.UINT8, onnx.TensorProto.INT32


def pair_rules(node: onnx.NodeProto, graph: GraphView) -> Iterator[str]:
    """One line per rule that a QuantizeLinear or DequantizeLinear breaks."""
    yield from _levels(node, graph)
    yield from _scale(node, graph)
    if node.op_type == "QuantizeLinear":
        name = node.output[0]
        readers = {reader.op_type for reader in graph.readers[name]}
        if readers != {"DequantizeLinear"} or name in graph.outputs:
            yield "expected to be read by DequantizeLinear alone, found others"


def _levels(node: onnx.NodeProto, graph: GraphView) -> Iterator[str]:
    quantises = node.op_type == "QuantizeLinear"
    levels = graph.type_of(node.output[0] if quantises else node.input[0])
    if levels == INT32:
        yield "int32, as of a bias: TensorRT refuses it: expected the bias in float"
    elif levels == UINT8:
        # TensorRT takes it for INT8 with a warning alone, and then saturates at 127.
        yield "uint8: TensorRT would saturate it at 127: expected int8"
    elif levels not in (INT8, 0):
        yield f"{type_name(levels)}: expected int8"
    zero = node.input[2] if len(node.input) > 2 else ""
    if zero and zero not in graph.constants:
        yield "zero point is computed: expected the constant 0"
    elif zero and np.any(graph.constants[zero]):
        yield "zero point other than 0: TensorRT refuses it"


def _scale(node: onnx.NodeProto, graph: GraphView) -> Iterator[str]:
    scale = graph.constants.get(node.input[1])
    if scale is None:
        yield "scale is computed: expected a constant"
        return
    values = scale.astype(np.float64)
    if not np.isfinite(values).all() or (values <= 0).any():
        yield "expected scales above 0, found others"
    if scale.size > 1 and not _is_weight(node, graph):
        yield f"{scale.size} scales for an activation: expected one"
    real, told = (graph.type_of(name) for name in node.input[:2])
    if node.op_type == "QuantizeLinear" and real and real != told:
        yield f"scale of {type_name(told)} for {type_name(real)}: expected one type"


def _is_weight(node: onnx.NodeProto, graph: GraphView) -> bool:
    """Whether the node's input is constant, quantised in the graph or before it."""
    name = node.input[0]
    maker = graph.makers.get(name)
    if maker is not None and maker.op_type == "QuantizeLinear":
        name = maker.input[0]
    return name in graph.constants
