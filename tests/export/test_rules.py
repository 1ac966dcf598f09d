"""Each rule: a graph that breaks it and one that does not, as ONNX text."""

from __future__ import annotations

import onnx
import onnx.parser
import pytest

from hsi.export.rules import broken_rules, check_rules
from hsi.runtime.errors import QualityError


def _graph(
    body: str,
    *,
    head: str = "float[N,3,H,W] x",
    tail: str = "float[N,3,P,Q] y",
    opsets: str = '"" : 20',
    ir: int = 10,
) -> onnx.ModelProto:
    text = f"<ir_version: {ir}, opset_import: [{opsets}]>\nnet ({head}) => ({tail}) {{\n{body}\n}}"
    return onnx.parser.parse_model(text)


def _pixels(body: str) -> onnx.ModelProto:
    return _graph(body, head="uint8[N,H,W,3] x", tail="uint8[N,H,W,3] y")


CAST_FIRST = """
    f = Cast <to=1> (x)
    p = Transpose <perm=[0,3,1,2]> (f)
    q = Transpose <perm=[0,2,3,1]> (p)
    y = Cast <to=2> (q)"""
RESIZE = """
    scales = Constant <value_floats=[1.0, 1.0, 2.0, 2.0]> ()
    y = Resize <mode="{mode}"> (x, , scales)"""


@pytest.mark.parametrize(
    "model",
    [
        _graph("y = Relu(x)"),
        _pixels(CAST_FIRST),
        _pixels("s = Shape(x)\nf = Cast <to=1> (x)\ny = Cast <to=2> (f)"),
        _graph(RESIZE.format(mode="nearest")),
        _graph(RESIZE.format(mode="linear")),
        _graph("y = Relu(x)", opsets='"" : 17', ir=8),
    ],
    ids=["plain", "cast first", "shape of uint8", "nearest", "linear", "older"],
)
def test_a_graph_that_keeps_every_rule(model: onnx.ModelProto) -> None:
    assert broken_rules(model) == []
    check_rules(model)


@pytest.mark.parametrize(
    ("model", "rule"),
    [
        (
            _graph("y = Relu(x)", opsets='"" : 21'),
            "opset 21: TensorRT 10.0 to 10.3 parse 20 at most",
        ),
        (_graph("y = Relu(x)", ir=11), "IR version 11: expected 10 at most"),
        (_graph("y = Erf(x)"), "node y: operator Erf is not one that all engines take"),
        (
            _graph("y = com.microsoft.Gelu(x)", opsets='"" : 20, "com.microsoft" : 1'),
            "node y: operator com.microsoft.Gelu is not one that all engines take",
        ),
        (
            _graph("s = Constant <value_float=1.0> ()\ny = QuantizeLinear(x, s)"),
            "node y: operator QuantizeLinear is not one that all engines take",
        ),
        (
            _pixels("p = Transpose <perm=[0,2,1,3]> (x)\ny = Identity(p)"),
            "node p: Transpose on uint8: Cast must come first",
        ),
        (
            _graph("c = Cast <to=2> (x)\nd = Transpose(c)\ny = Cast <to=1> (d)"),
            "node d: Transpose on uint8: Cast must come first",
        ),
        (_graph(RESIZE.format(mode="cubic")), "node y: Resize mode cubic: expected nearest or lin"),
    ],
    ids=["opset", "ir", "operator", "domain", "quantised", "uint8 in", "uint8 within", "cubic"],
)
def test_a_graph_that_breaks_one_rule(model: onnx.ModelProto, rule: str) -> None:
    (found,) = broken_rules(model)
    assert found.startswith(rule)


def test_the_first_broken_rule_is_raised_with_the_count() -> None:
    model = _graph("e = Erf(x)\ny = Erf(e)", ir=11)
    with pytest.raises(QualityError, match=r"graph net: IR version 11: .* \(3 broken in all\)"):
        check_rules(model)
