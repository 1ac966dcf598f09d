"""Rules a graph of lower precision must keep so that TensorRT and OpenVINO take it and are fast."""

from collections.abc import Iterator, Mapping

import numpy as np
import onnx

from hsi.calibrate.graph_edit import Array, constants
from hsi.runtime.errors import QualityError

INT8, UINT8 = onnx.TensorProto.INT8, onnx.TensorProto.UINT8
LEVELS = 127  # of INT8, on each side of 0
# What passes of this package add to a graph that kept the rules of an export.
ADDED = frozenset("QuantizeLinear DequantizeLinear Mul Add Sub Cast".split())
MOVES = frozenset("Concat Pad Reshape Resize Transpose".split())  # INT8 passes through these


def broken_quantised_rules(model: onnx.ModelProto, base: onnx.ModelProto) -> list[str]:
    """One line per broken rule, naming the node; empty for a good graph.

    Args:
        model: A quantised or FP16 graph.
        base: The exported graph it was made of, which keeps the rules of an export.
    """
    known = {node.op_type for node in base.graph.node} | ADDED
    readers: dict[str, list[onnx.NodeProto]] = {}
    for node in model.graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node)
    pixels = {v.name for v in model.graph.input if v.type.tensor_type.elem_type == UINT8}
    makers = {name: node for node in model.graph.node for name in node.output}
    arrays = constants(model)
    found = []
    for node in model.graph.node:
        name = f"node {node.name or node.output[0]}"
        if node.domain or node.op_type not in known:
            found.append(f"{name}: operator {node.op_type} is not one that all engines take")
        if node.op_type not in ("Cast", "Shape") and pixels & set(node.input):
            found.append(f"{name}: {node.op_type} on uint8: Cast must come first")
        if node.op_type in ("QuantizeLinear", "DequantizeLinear"):
            found += [f"{name}: {text}" for text in _pair_rules(node, arrays, readers, makers)]
    return found


def check_quantised(model: onnx.ModelProto, base: onnx.ModelProto) -> None:
    """Raise on the first broken rule.

    Raises:
        QualityError: Naming the node and the rule.
    """
    if broken := broken_quantised_rules(model, base):
        raise QualityError(f"quantised graph: {broken[0]} ({len(broken)} broken in all)")


def _pair_rules(
    node: onnx.NodeProto,
    arrays: dict[str, Array],
    readers: Mapping[str, list[onnx.NodeProto]],
    makers: Mapping[str, onnx.NodeProto],
) -> Iterator[str]:
    scale, zero = (arrays.get(name) for name in (*node.input[1:], "", "")[:2])
    if scale is None or zero is None:
        yield "expected a constant scale and zero point, found them computed or missing"
        return
    if not np.isfinite(scale).all() or (np.asarray(scale, np.float64) <= 0).any():
        yield "expected scales above 0, found others"
    # TensorRT takes unsigned levels for INT8 with a warning alone, and then saturates at 127.
    if zero.dtype != np.int8:
        yield f"expected INT8, found {zero.dtype}: TensorRT would saturate it or refuse it"
    if np.any(zero):
        yield "zero point other than 0: TensorRT refuses it"
    if node.op_type == "QuantizeLinear":
        if {one.op_type for one in readers.get(node.output[0], ())} != {"DequantizeLinear"}:
            yield "expected to be read by DequantizeLinear alone, found others"
        if scale.ndim:
            yield "expected one scale for an activation, found one a channel"
    elif _ends(node.output[0], readers) != {"Conv"} and not _leaves_rest(node, readers, makers):
        yield "expected to be read by convolutions alone, found others: all else stays float"


def _leaves_rest(
    node: onnx.NodeProto,
    readers: Mapping[str, list[onnx.NodeProto]],
    makers: Mapping[str, onnx.NodeProto],
) -> bool:
    """Whether levels are only taken from what they were made of."""
    found, quantise = readers.get(node.output[0], []), makers.get(node.input[0])
    if not found or quantise is None:
        return False
    wanted = [quantise.input[0], node.output[0]]
    return all(one.op_type == "Sub" and list(one.input) == wanted for one in found)


def _ends(name: str, readers: Mapping[str, list[onnx.NodeProto]]) -> set[str]:
    """The operators that read a tensor, whatever moves or repeats its values on the way."""
    found, ahead = set(), [name]
    while ahead:
        for node in readers.get(ahead.pop(), ()):
            if node.op_type in MOVES:
                ahead.append(node.output[0])
            else:
                found.add(node.op_type)
    return found
