from __future__ import annotations

from typing import Any

import onnx
import pytest

from hsi.export import onnx_writer
from hsi.export.onnx_writer import stylizer_onnx
from hsi.export.rules import broken_rules
from hsi.model import StyleNetwork
from hsi.runtime.bundle import Bundle
from hsi.runtime.errors import QualityError

PARTS = ["style_encoder.onnx", "stylizer.onnx"]


@pytest.fixture(params=PARTS)
def model(request: pytest.FixtureRequest, bundle: Bundle) -> onnx.ModelProto:
    return onnx.load_from_string(bundle.read(request.param))


def test_graphs_are_whole_and_of_opset_20_and_ir_10(model: onnx.ModelProto) -> None:
    onnx.checker.check_model(model, full_check=True)
    assert [(o.domain, o.version) for o in model.opset_import] == [("", 20)]
    assert model.ir_version == 10


def test_graphs_keep_the_rules_of_the_engines(model: onnx.ModelProto) -> None:
    assert broken_rules(model) == []


def test_batch_and_sides_are_free_and_named(model: onnx.ModelProto) -> None:
    for value in (*model.graph.input, *model.graph.output):
        dims = value.type.tensor_type.shape.dim
        names = [dim.dim_param or dim.dim_value for dim in dims]
        assert names[0] == "N"
        if len(names) == 4:
            assert names == ["N", "H", "W", 3]


def test_graphs_tell_nothing_of_the_machine_they_were_made_on(model: onnx.ModelProto) -> None:
    text = model.SerializeToString()
    for word in (b"/export/", b".py", b"site-packages", b"/home", b"/root", b"/tmp"):
        assert word not in text
    assert not model.metadata_props
    assert not any(node.metadata_props or node.doc_string for node in model.graph.node)


def test_an_exporter_that_fails_is_one_line(
    network: StyleNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*words: Any, **options: Any) -> None:
        raise RuntimeError("no such operator\nand a page of advice")

    monkeypatch.setattr("hsi.export.onnx_writer.torch.onnx.export", fail)
    match = "stylised: torch cannot write its graph: no such operator and a page of advice"
    with pytest.raises(QualityError, match=match):
        stylizer_onnx(network)


def test_a_graph_that_breaks_a_rule_is_not_written(
    network: StyleNetwork, monkeypatch: pytest.MonkeyPatch, bundle: Bundle
) -> None:
    model = onnx.load_from_string(bundle.read("stylizer.onnx"))
    model.graph.node[0].op_type = "Erf"
    monkeypatch.setattr(onnx_writer, "exported", lambda *words: model)
    with pytest.raises(QualityError, match="operator Erf is not one that all engines take"):
        stylizer_onnx(network)
