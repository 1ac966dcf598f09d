"""Rules an exported graph must keep so that every engine takes it."""

from typing import Any

import onnx

from hsi.runtime.errors import QualityError

MAX_OPSET = 20
MAX_IR = 10
# What ONNX Runtime, OpenVINO and the TensorRT 10 and 11 parsers all take.
KNOWN_OPERATORS = frozenset(
    "Abs Add Cast Clip Concat Constant ConstantOfShape Conv DepthToSpace Div Expand Flatten "
    "Gather Gemm GlobalAveragePool GlobalMaxPool Identity LeakyRelu Log MatMul Max MaxPool Min "
    "Mod Mul Neg Pad Pow Range Reciprocal ReduceL2 ReduceMax ReduceMean ReduceSum Relu Reshape "
    "Resize Round Shape Sigmoid Sign Slice SpaceToDepth Split Sqrt Squeeze Sub Tanh Tile Transpose "
    "Unsqueeze Where".split()
)
UINT8 = onnx.TensorProto.UINT8
RESIZE_MODES = (b"nearest", b"linear")


def broken_rules(model: onnx.ModelProto) -> list[str]:
    """One line per broken rule, naming the node; empty for a good graph."""
    found = []
    opsets = {o.domain: o.version for o in model.opset_import}
    if opsets.get("", 0) > MAX_OPSET:
        found.append(f"opset {opsets['']}: TensorRT 10.0 to 10.3 parse {MAX_OPSET} at most")
    if model.ir_version > MAX_IR:
        found.append(f"IR version {model.ir_version}: expected {MAX_IR} at most")
    pixels = {v.name for v in model.graph.input if v.type.tensor_type.elem_type == UINT8}
    for node in model.graph.node:
        found += _node_rules(node, pixels)
        if node.op_type == "Cast" and _attribute(node, "to") == UINT8:
            pixels |= set(node.output)
    return found


def check_rules(model: onnx.ModelProto) -> None:
    """Raise on the first broken rule.

    Raises:
        QualityError: Naming the node and the rule.
    """
    if broken := broken_rules(model):
        raise QualityError(f"graph {model.graph.name}: {broken[0]} ({len(broken)} broken in all)")


def _node_rules(node: onnx.NodeProto, pixels: set[str]) -> list[str]:
    name = f"node {node.name or node.output[0]}"
    found = []
    if node.domain or node.op_type not in KNOWN_OPERATORS:
        operator = f"{node.domain}.{node.op_type}".lstrip(".")
        found.append(f"{name}: operator {operator} is not one that all engines take")
    # TensorRT moves uint8 nowhere but into a Cast. Its shape may be asked for.
    if node.op_type not in ("Cast", "Shape") and pixels & set(node.input):
        found.append(f"{name}: {node.op_type} on uint8: Cast must come first")
    mode = _attribute(node, "mode") or b"nearest"
    if node.op_type == "Resize" and mode not in RESIZE_MODES:
        found.append(f"{name}: Resize mode {mode.decode()}: expected nearest or linear")
    return found


def _attribute(node: onnx.NodeProto, name: str) -> Any:
    found = [onnx.helper.get_attribute_value(a) for a in node.attribute if a.name == name]
    return found[0] if found else None
