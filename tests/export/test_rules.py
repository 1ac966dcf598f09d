"""Each rule: a graph that breaks it and one that does not, as ONNX text."""

from __future__ import annotations

import onnx
import onnx.parser
import pytest

from hsi.export.rules import broken_rules, check_rules
from hsi.runtime.errors import QualityError

CLIP = """
    zero = Constant <value_float=0.0> ()
    most = Constant <value_float={most}> ()
    l = Clip(x, zero, most)"""
BACK_AND_FORTH = """
    f = Cast <to=1> ({pixels})
    p = Transpose <perm=[0,3,1,2]> (f)
    q = Transpose <perm=[0,2,3,1]> (p)
    y = Cast <to=2> (q)"""
SQUARED = """
    f = Cast <to=1> (x)
    d = Mul(f, f)
    zero = Constant <value_float=0.0> ()
    most = Constant <value_float={most}> ()
    c = Clip(d, zero, most)
    q = Transpose <perm=[0,2,1,3]> (c)
    y = Cast <to=2> (q)"""
PAIR = "q = QuantizeLinear(x, s, z)\ny = DequantizeLinear(q, s, z)"


def _graph(
    body: str,
    *,
    head: str = "float[N,3,H,W] x",
    tail: str = "float[N,3,P,Q] y",
    constants: str = "",
    opsets: str = '"" : 20',
    ir: int = 10,
) -> onnx.ModelProto:
    known = f"<{constants}>" if constants else ""
    top = f"<ir_version: {ir}, opset_import: [{opsets}]>\nnet ({head}) => ({tail}) {known}"
    return onnx.parser.parse_model(f"{top} {{\n{body}\n}}")


def _pixels(body: str) -> onnx.ModelProto:
    return _graph(body, head="uint8[N,H,W,3] x", tail="uint8[N,H,W,3] y")


def _resize(mode: str = "nearest", more: str = "", x: str = "x") -> onnx.ModelProto:
    body = f"""
    scales = Constant <value_floats=[1.0, 1.0, 2.0, 2.0]> ()
    i = Cast <to=6> (x)
    y = Resize <mode="{mode}"{more}> ({x}, , scales)"""
    return _graph(body, tail="float[N,3,P,Q] y" if x == "x" else "int32[N,3,P,Q] y")


def _pair(constants: str = "float s = {0.5}, int8 z = {0}", body: str = PAIR) -> onnx.ModelProto:
    return _graph(body, constants=constants)


def _weight(levels: str = "int8", scale: str = "float", real: str = "float") -> onnx.ModelProto:
    return _graph(
        "f = DequantizeLinear <axis=0> (w, s)\ny = Conv(x, f)",
        head=f"{real}[N,1,H,W] x",
        tail=f"{real}[N,2,P,Q] y",
        constants=f"{scale}[2] s = {{1, 2}}, {levels}[2,1,1,1] w = {{1, 2}}",
    )


def _named(*names: str) -> onnx.ModelProto:
    model = _graph("r = Relu(x)\ny = Relu(r)")
    for node, name in zip(model.graph.node, names, strict=True):
        node.name = name
    return model


RULES = {
    "newest opset": (
        _graph("y = Relu(x)", opsets='"" : 21'),
        _graph("y = Relu(x)", opsets='"" : 20'),
        "opset 21: TensorRT 10.0 to 10.3 parse 20 at most",
    ),
    "oldest opset": (
        _graph("y = Relu(x)", opsets='"" : 8', ir=8),
        _graph("y = Relu(x)", opsets='"" : 9', ir=8),
        "opset 8: TensorRT parses 9 at least",
    ),
    "ir version": (
        _graph("y = Relu(x)", ir=11),
        _graph("y = Relu(x)", ir=8),
        "IR version 11: expected 10 at most",
    ),
    "node names": (
        _named("same", "same"),
        _named("same", "other"),
        "node same: 2 nodes of this name, expected one",
    ),
    "operator": (
        _graph("y = Erf(x)"),
        _graph("y = Tanh(x)"),
        "node y: operator Erf is not one that all engines take",
    ),
    "domain": (
        _graph("y = com.microsoft.Gelu(x)", opsets='"" : 20, "com.microsoft" : 1'),
        _graph("y = Sigmoid(x)", opsets='"" : 20, "com.microsoft" : 1'),
        "node y: operator com.microsoft.Gelu is not one that all engines take",
    ),
    "quantised operator": (
        _graph("y, s, z = DynamicQuantizeLinear(x)", tail="uint8[N,3,P,Q] y"),
        _pair(),
        "node y: DynamicQuantizeLinear: TensorRT takes INT8 as QuantizeLinear and Dequ",
    ),
    "uint8 moved": (
        _pixels("t = Transpose <perm=[0,2,1,3]> (x)\n" + BACK_AND_FORTH.format(pixels="t")),
        _pixels(BACK_AND_FORTH.format(pixels="x")),
        "node t: Transpose on uint8: Cast must come first",
    ),
    "shape of uint8": (
        _graph("s = Shape(x)\ny = Cast <to=1> (x)", head="uint8[N,3,H,W] x"),
        _graph("y = Cast <to=1> (x)\ns = Shape(y)", head="uint8[N,3,H,W] x"),
        "node s: Shape on uint8: Cast must come first",
    ),
    "uint8 to an integer": (
        _graph("i = Cast <to=6> (x)\ny = Cast <to=1> (i)", head="uint8[N,3,H,W] x"),
        _graph("y = Cast <to=1> (x)", head="uint8[N,3,H,W] x"),
        "node i: Cast of uint8 to int32: expected float or float16",
    ),
    "uint8 within": (
        _graph(CLIP.format(most="255.0") + "\nc = Cast <to=2> (l)\ny = Cast <to=1> (c)"),
        _graph(CLIP.format(most="255.0") + "\ny = Cast <to=2> (l)", tail="uint8[N,3,H,W] y"),
        "node c: Cast to uint8 within the graph: expected at its outputs alone",
    ),
    "uint8 out of range": (
        _pixels(SQUARED.format(most="256.0")),
        _pixels(SQUARED.format(most="255.0")),
        "node y: Cast to uint8 of any value: expected a Clip from 0 to 255 before it",
    ),
    "resize mode": (
        _resize("cubic"),
        _resize("linear"),
        "node y: Resize mode cubic: expected nearest or linear",
    ),
    "resize coordinates": (
        _resize(more=', coordinate_transformation_mode="half_pixel_symmetric"'),
        _resize(more=', coordinate_transformation_mode="asymmetric"'),
        "node y: Resize coordinates half_pixel_symmetric: expected one of half_pixel, ",
    ),
    "resize antialias": (
        _resize("linear", more=", antialias=1"),
        _resize("linear", more=", antialias=0"),
        "node y: Resize with antialias: expected none",
    ),
    "resize type": (
        _resize(x="i"),
        _resize(),
        "node y: Resize of int32: expected float, float16 or bfloat16",
    ),
    "unsigned levels": (
        _weight("uint8"),
        _weight("int8"),
        "node f: uint8: TensorRT would saturate it at 127: expected int8",
    ),
    "unsigned by default": (
        _pair(body="q = QuantizeLinear(x, s)\ny = DequantizeLinear(q, s)"),
        _pair(),
        "node q: uint8: TensorRT would saturate it at 127: expected int8",
    ),
    "bias in int32": (
        _weight("int32"),
        _weight("int8"),
        "node f: int32, as of a bias: TensorRT refuses it: expected the bias in float",
    ),
    "zero point": (
        _pair("float s = {0.5}, int8 z = {5}"),
        _pair("float s = {0.5}, int8 z = {0}"),
        "node q: zero point other than 0: TensorRT refuses it",
    ),
    "computed zero point": (
        _pair(
            "float s = {0.5}, int8 v = {0}",
            "z = Identity(v)\nq = QuantizeLinear(x, s, z)\ny = DequantizeLinear(q, s, z)",
        ),
        _pair(),
        "node q: zero point is computed: expected the constant 0",
    ),
    "computed scale": (
        _pair(
            "float v = {0.5}, int8 z = {0}",
            "s = Abs(v)\nq = QuantizeLinear(x, s, z)\ny = DequantizeLinear(q, s, z)",
        ),
        _pair(),
        "node q: scale is computed: expected a constant",
    ),
    "scale of nothing": (
        _pair("float s = {0.0}, int8 z = {0}"),
        _pair("float s = {0.1}, int8 z = {0}"),
        "node q: expected scales above 0, found others",
    ),
    "scales of an activation": (
        _pair("float[3] s = {0.5, 0.5, 0.5}, int8[3] z = {0, 0, 0}"),
        _pair("float[1] s = {0.5}, int8[1] z = {0}"),
        "node q: 3 scales for an activation: expected one",
    ),
    "type of a scale": (
        _weight(scale="float", real="float16"),
        _weight(scale="float16", real="float16"),
        "node y: Conv of float and float16: expected one type: a scale has the type of",
    ),
    "readers of levels": (
        _pair(
            body="q = QuantizeLinear(x, s, z)\nt = Identity(q)\ny = DequantizeLinear(t, s, z)",
        ),
        _pair(),
        "node q: expected to be read by DequantizeLinear alone, found others",
    ),
}


@pytest.mark.parametrize("rule", RULES)
def test_a_graph_that_breaks_one_rule(rule: str) -> None:
    broken, _, text = RULES[rule]
    found = broken_rules(broken)

    assert found[0].startswith(text)
    # Both nodes of a pair may break it; no other rule is.
    assert len({line.partition(": ")[2] for line in found}) == 1


@pytest.mark.parametrize("rule", RULES)
def test_a_graph_like_it_that_keeps_the_rule(rule: str) -> None:
    _, kept, _ = RULES[rule]

    assert broken_rules(kept) == []
    check_rules(kept)


def test_the_first_broken_rule_is_raised_with_the_count() -> None:
    model = _graph("e = Erf(x)\ny = Erf(e)", ir=11)
    with pytest.raises(QualityError, match=r"graph net: IR version 11: .* \(3 broken in all\)"):
        check_rules(model)
