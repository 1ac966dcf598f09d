"""Rules that every engine's parser asks of a graph, TensorRT's above all.

NVIDIA's own parser and builder refuses what breaks most of them, which tests/export/real_builder.py
shows; the others are of the documentation of TensorRT 10 and 11, and of what it computes wrongly.
"""

from collections import Counter
from collections.abc import Iterator

import onnx

from hsi.export.graph_view import GraphView, attribute_of, name_of, type_name
from hsi.export.pair_rules import PAIRS, pair_rules
from hsi.runtime.errors import QualityError

MIN_OPSET, MAX_OPSET = 9, 20
MAX_IR = 10
# What ONNX Runtime, OpenVINO and the TensorRT 10 and 11 parsers all take.
KNOWN_OPERATORS = PAIRS | frozenset(
    "Abs Add Cast Clip Concat Constant ConstantOfShape Conv DepthToSpace Div Expand Flatten "
    "Gather Gemm GlobalAveragePool GlobalMaxPool Identity LeakyRelu Log MatMul Max MaxPool Min "
    "Mod Mul Neg Pad Pow Range Reciprocal ReduceL2 ReduceMax ReduceMean ReduceSum Relu Reshape "
    "Resize Round Shape Sigmoid Sign Slice SpaceToDepth Split Sqrt Squeeze Sub Tanh Tile Transpose "
    "Unsqueeze Where".split()
)
QUANTISED_OPERATORS = frozenset(
    "ConvInteger DynamicQuantizeLinear MatMulInteger QLinearConv QLinearMatMul".split()
)
# Values pass through these as they are.
MOVES = frozenset(
    "Cast DepthToSpace Identity Reshape Slice SpaceToDepth Squeeze Transpose Unsqueeze".split()
)
UINT8 = onnx.TensorProto.UINT8
FLOAT, FLOAT16 = onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16
BFLOAT16, DOUBLE = onnx.TensorProto.BFLOAT16, onnx.TensorProto.DOUBLE
RESIZE_MODES = ("nearest", "linear")
RESIZE_COORDINATES = (
    "half_pixel pytorch_half_pixel asymmetric align_corners tf_half_pixel_for_nn".split()
)


def broken_rules(model: onnx.ModelProto) -> list[str]:
    """One line per broken rule, naming the node; empty for a good graph.

    Args:
        model: A graph of any precision.
    """
    found = list(_file_rules(model))
    graph = GraphView(model)
    for node in model.graph.node:
        found += [f"{name_of(node)}: {text}" for text in _node_rules(node, graph)]
    return found


def check_rules(model: onnx.ModelProto) -> None:
    """Raise on the first broken rule.

    Raises:
        QualityError: Naming the node and the rule.
    """
    if broken := broken_rules(model):
        raise QualityError(f"graph {model.graph.name}: {broken[0]} ({len(broken)} broken in all)")


def _file_rules(model: onnx.ModelProto) -> Iterator[str]:
    opset = {o.domain: o.version for o in model.opset_import}.get("", 0)
    if opset > MAX_OPSET:
        yield f"opset {opset}: TensorRT 10.0 to 10.3 parse {MAX_OPSET} at most"
    if opset < MIN_OPSET:
        yield f"opset {opset}: TensorRT parses {MIN_OPSET} at least"
    if model.ir_version > MAX_IR:
        yield f"IR version {model.ir_version}: expected {MAX_IR} at most"
    for name, count in Counter(node.name for node in model.graph.node if node.name).items():
        if count > 1:
            yield f"node {name}: {count} nodes of this name, expected one"


def _node_rules(node: onnx.NodeProto, graph: GraphView) -> Iterator[str]:
    if node.op_type in QUANTISED_OPERATORS:
        yield f"{node.op_type}: TensorRT takes INT8 as QuantizeLinear and DequantizeLinear alone"
    elif node.domain or node.op_type not in KNOWN_OPERATORS:
        operator = f"{node.domain}.{node.op_type}".lstrip(".")
        yield f"operator {operator} is not one that all engines take"
    elif node.op_type in PAIRS:
        yield from pair_rules(node, graph)
        return
    yield from _pixels_in(node, graph)
    if node.op_type == "Cast" and attribute_of(node, "to") == UINT8:
        yield from _pixels_out(node, graph)
    elif node.op_type == "Resize":
        yield from _resize(node, graph)
    yield from _one_float_type(node, graph)


def _pixels_in(node: onnx.NodeProto, graph: GraphView) -> Iterator[str]:
    if UINT8 not in map(graph.type_of, node.input):
        return
    # TensorRT documents uint8 nowhere but into a Cast, not so much as to tell its shape.
    if node.op_type != "Cast":
        yield f"{node.op_type} on uint8: Cast must come first"
    target = attribute_of(node, "to")
    if node.op_type == "Cast" and target not in (FLOAT, FLOAT16):
        yield f"Cast of uint8 to {type_name(target)}: expected float or float16"


def _pixels_out(node: onnx.NodeProto, graph: GraphView) -> Iterator[str]:
    name = node.output[0]
    if name not in graph.outputs or graph.readers[name]:
        yield "Cast to uint8 within the graph: expected at its outputs alone"
    elif not _is_clamped(node.input[0], graph):
        # TensorRT's result is undefined outside of it.
        yield "Cast to uint8 of any value: expected a Clip from 0 to 255 before it"


def _is_clamped(name: str, graph: GraphView) -> bool:
    maker = graph.makers.get(name)
    while maker is not None and maker.op_type in MOVES:
        if graph.type_of(maker.input[0]) == UINT8:
            return True
        maker = graph.makers.get(maker.input[0])
    if maker is None or maker.op_type != "Clip":
        return False
    least, most = (graph.constants.get(limit) for limit in (*maker.input[1:], "", "")[:2])
    return least is not None and most is not None and float(least) >= 0 and float(most) <= 255


def _resize(node: onnx.NodeProto, graph: GraphView) -> Iterator[str]:
    mode = attribute_of(node, "mode", "nearest")
    if mode not in RESIZE_MODES:
        yield f"Resize mode {mode}: expected nearest or linear"
    coordinates = attribute_of(node, "coordinate_transformation_mode", "half_pixel")
    if coordinates not in RESIZE_COORDINATES:
        yield f"Resize coordinates {coordinates}: expected one of {', '.join(RESIZE_COORDINATES)}"
    if attribute_of(node, "antialias", 0):
        yield "Resize with antialias: expected none"
    element = graph.type_of(node.input[0])
    if element not in (FLOAT, FLOAT16, BFLOAT16, UINT8, 0):  # uint8 has a rule of its own
        yield f"Resize of {type_name(element)}: expected float, float16 or bfloat16"


def _one_float_type(node: onnx.NodeProto, graph: GraphView) -> Iterator[str]:
    # Resize's scales are float by its definition, whatever it resizes.
    read = node.input[:1] if node.op_type == "Resize" else node.input
    types = {graph.type_of(name) for name in read} & {FLOAT, FLOAT16, BFLOAT16, DOUBLE}
    if len(types) > 1:
        told = " and ".join(sorted(map(type_name, types)))
        yield f"{node.op_type} of {told}: expected one type: a scale has the type of its result"
