"""Every graph of an export, of both presets and all precisions, keeps the rules of TensorRT."""

from __future__ import annotations

import json
from pathlib import Path

import onnx
import pytest

from hsi.calibrate.half import half
from hsi.calibrate.quantiser import alike
from hsi.export import ExportOptions, ExportReport, cli, lint
from hsi.export.cli import main
from hsi.export.rules import broken_rules
from hsi.runtime.bundle import Bundle
from hsi.runtime.errors import OptionError


def of_precision(model: onnx.ModelProto, precision: str) -> onnx.ModelProto:
    if precision == "fp32":
        return model
    if precision == "fp16":
        return half(model)
    return alike(model)


@pytest.mark.parametrize("precision", ["fp32", "fp16", "int8"])
def test_the_stylizer_of_hsi_edge_keeps_every_rule(bundle: Bundle, precision: str) -> None:
    model = onnx.load_from_string(bundle.read("stylizer.onnx"))

    assert broken_rules(of_precision(model, precision)) == []


@pytest.mark.parametrize("precision", ["fp32", "fp16", "int8"])
def test_the_stylizer_of_hsi_vgg_keeps_every_rule(hsi_vgg: ExportReport, precision: str) -> None:
    model = onnx.load_from_string(Bundle(hsi_vgg.out).read("stylizer.onnx"))

    assert broken_rules(of_precision(model, precision)) == []


def test_both_style_encoders_keep_every_rule(bundle: Bundle, hsi_vgg: ExportReport) -> None:
    for one in (bundle, Bundle(hsi_vgg.out)):
        assert broken_rules(onnx.load_from_string(one.read("style_encoder.onnx"))) == []


def test_the_shipped_bundle_keeps_every_rule(shipped: Path) -> None:
    bundle = Bundle(shipped)
    parts = {part.name: bundle.read(part.name) for part in bundle.manifest.parts}

    assert all(one.passed for one in lint.lint(bundle.manifest, parts))


def test_a_broken_graph_is_named_with_its_node_and_the_rule(bundle: Bundle) -> None:
    model = onnx.load_from_string(bundle.read("stylizer.onnx"))
    node = next(node for node in model.graph.node if node.op_type == "Resize")
    node.attribute.append(onnx.helper.make_attribute("antialias", 1))
    del node.attribute[:-1]
    parts = {part.name: bundle.read(part.name) for part in bundle.manifest.parts}
    parts["stylizer.onnx"] = model.SerializeToString()

    encoder, stylizer, for_cpus = lint.lint(bundle.manifest, parts)

    assert encoder.passed and for_cpus.passed
    assert stylizer.to_text().splitlines() == [
        f"stylizer.onnx (fp32, {len(model.graph.node)} nodes): BREAKS 1",
        f"  node {node.name}: Resize with antialias: expected none",
    ]


def test_the_command_says_that_every_graph_fits(
    checkpoint: Path,
    tmp_path: Path,
    quick_exports: None,
    small_comparisons: None,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "a.hsi"

    assert main([str(checkpoint), "-o", str(out), "-q", "--target", "tensorrt"]) == 0

    told = capsys.readouterr().out
    for part in ("style_encoder.onnx", "stylizer.onnx", "stylizer.cpu.onnx"):
        assert any(
            line.startswith(part) and line.endswith("keeps every rule")
            for line in told.splitlines()
        )
    assert out.exists()


def test_a_graph_that_does_not_fit_is_not_written(
    checkpoint: Path,
    tmp_path: Path,
    quick_exports: None,
    small_comparisons: None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(lint, "broken_rules", lambda model: ["node a: operator B is not one"])
    words = [str(checkpoint), "-o", str(tmp_path / "a.hsi"), "-q", "--target", "tensorrt"]

    assert main([*words, "--json"]) == 5

    told, said = capsys.readouterr()
    report = json.loads(told)
    graphs = ["style_encoder.onnx", "stylizer.onnx", "stylizer.cpu.onnx"]
    assert [one["part"] for one in report["lint"]] == graphs
    assert report["lint"][0]["broken"] == ["node a: operator B is not one"]
    assert not report["fits"]
    assert said.endswith("a graph breaks a rule of tensorrt: nothing written\n")
    assert not list(tmp_path.iterdir())


def test_an_unknown_target_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="target must be one of tensorrt, got 'abacus'"):
        ExportOptions(model=tmp_path / "a.pt", out=tmp_path / "a.hsi", target="abacus")


def test_the_command_offers_the_targets_there_are() -> None:
    assert cli.TARGETS == lint.TARGETS
