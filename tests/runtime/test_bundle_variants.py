"""Variants of lower precision: in the manifest, in the bundle, and which of them runs."""

from __future__ import annotations

import copy
import json
import logging
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hsi.runtime import engine as engines
from hsi.runtime.bundle import Bundle
from hsi.runtime.engine import open_engine
from hsi.runtime.errors import BundleError
from hsi.runtime.inspect_cli import main as inspect
from hsi.runtime.manifest import Graph, Manifest
from hsi.runtime.openvino_device import GRAPHICS, PROCESSOR, OpenVinoDevice
from hsi.runtime.openvino_engine import OpenVinoEngine

Values = dict[str, Any]
Repack = Callable[..., Path]
VERDICT = {
    "engine": "openvino",
    "psnr": 41.5,
    "ssim": 0.98,
    "worst_tile_psnr": 35.0,
    "min_psnr": 35.0,
    "min_ssim": 0.95,
    "min_tile_psnr": 30.0,
    "passed": True,
}


def with_variant(values: Values, *, passed: bool = True) -> Values:
    """Add an INT8 variant that is the FP32 graph under another name."""
    graph = {**copy.deepcopy(values["stylizer"]), "precision": "int8"}
    verdicts = [{**VERDICT, "passed": passed}]
    golden = {**values["golden"], "max_difference": 40}
    values["variants"] = [{"graph": graph, "golden": golden, "verdicts": verdicts}]
    return values


@pytest.fixture(scope="module")
def with_int8(shipped: Path, repack: Repack, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped bundle, its stylizer listed as an INT8 variant too."""
    target = tmp_path_factory.mktemp("variants") / "both.hsi"
    return repack(shipped, target, edit=with_variant)


def test_a_variant_survives_the_round_trip_through_json(small_values: Values) -> None:
    manifest = Manifest.from_json(json.dumps(with_variant(small_values)))

    assert Manifest.from_json(manifest.to_json()) == manifest
    variant = manifest.variant("int8")
    assert variant is not None and variant.verdicts[0].psnr == 41.5


def test_a_manifest_without_variants_reads_as_before(small_values: Values) -> None:
    manifest = Manifest.from_json(json.dumps(small_values))

    assert (manifest.variants, manifest.cpu_stylizer) == ((), "")
    assert not {"variants", "cpu_stylizer"} & set(json.loads(manifest.to_json()))


def test_a_variant_that_failed_its_gate_is_not_offered(small_values: Values) -> None:
    manifest = Manifest.from_json(json.dumps(with_variant(small_values, passed=False)))

    assert manifest.variant("int8") is None


def test_a_variant_that_nobody_judged_is_not_offered(small_values: Values) -> None:
    with_variant(small_values)["variants"][0]["verdicts"] = []

    assert Manifest.from_json(json.dumps(small_values)).variant("int8") is None


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda v: v["graph"].update(part="gone.onnx"), "expected part 'gone.onnx' to be listed"),
        (lambda v: v.update(calibration="gone.json"), "expected part 'gone.json' to be listed"),
        (lambda v: v["golden"].update(stylised="gone.png"), "expected part 'gone.png'"),
        (lambda v: v["graph"]["inputs"].pop(), "to have inputs and outputs"),
        (lambda v: v["verdicts"][0].pop("psnr"), r"verdicts\[0\]: expected field 'psnr'"),
    ],
)
def test_a_broken_variant_is_refused(
    small_values: Values, change: Callable[[Values], object], match: str
) -> None:
    change(with_variant(small_values)["variants"][0])

    with pytest.raises(BundleError, match=match):
        Manifest.from_json(json.dumps(small_values))


def test_a_selected_variant_is_what_runs_and_is_tested(with_int8: Path) -> None:
    bundle = Bundle(with_int8)

    bundle.select(bundle.manifest.variants[0])

    assert bundle.manifest.stylizer.precision == "int8"
    assert bundle.manifest.golden.max_difference == 40


def test_the_layout_for_cpus_is_not_that_of_a_variant(with_int8: Path) -> None:
    bundle = Bundle(with_int8)
    assert bundle.manifest.stylizer_on_cpu.part == "stylizer.cpu.onnx"

    bundle.select(bundle.manifest.variants[0])

    assert bundle.manifest.stylizer_on_cpu == bundle.manifest.stylizer


def test_a_layout_for_cpus_has_the_tensors_of_the_stylizer(small_values: Values) -> None:
    small_values["parts"].append({**small_values["parts"][0], "name": "flat.onnx"})
    manifest = Manifest.from_json(json.dumps({**small_values, "cpu_stylizer": "flat.onnx"}))

    assert Manifest.from_json(manifest.to_json()) == manifest
    assert manifest.stylizer_on_cpu.names() == manifest.stylizer.names()
    assert manifest.stylizer_on_cpu.part == "flat.onnx"


def test_a_layout_for_cpus_that_is_not_there_is_refused(small_values: Values) -> None:
    with pytest.raises(BundleError, match=r"expected part 'gone\.onnx' to be listed"):
        Manifest.from_json(json.dumps({**small_values, "cpu_stylizer": "gone.onnx"}))


def test_openvino_takes_the_layout_for_cpus_on_cpus_alone(
    shipped: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("openvino")
    opened: list[str] = []

    def opening(self: OpenVinoEngine, graph: Graph, device: OpenVinoDevice, **more: bool) -> None:
        opened.append(graph.part)

    monkeypatch.setattr(OpenVinoEngine, "_opened", opening)
    for device in (PROCESSOR, GRAPHICS):
        OpenVinoEngine(Bundle(shipped), 1, device)

    assert opened == ["stylizer.cpu.onnx", "stylizer.onnx"]


def test_a_variant_of_another_bundle_is_refused(small_bundle: Path, with_int8: Path) -> None:
    with pytest.raises(BundleError, match="expected a variant of this bundle, found"):
        Bundle(small_bundle).select(Bundle(with_int8).manifest.variants[0])


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_a_restricted_bundle_has_one_precision_alone(with_int8: Path, precision: str) -> None:
    bundle = Bundle(with_int8)

    bundle.restrict(precision)

    assert bundle.manifest.stylizer.precision == precision
    assert bundle.manifest.variants == ()


def test_a_precision_that_is_not_there_is_named_with_those_that_are(with_int8: Path) -> None:
    match = "expected a stylizer at fp16, found fp32, int8: export it with --precision fp16"
    with pytest.raises(BundleError, match=match):
        Bundle(with_int8).restrict("fp16")


def test_openvino_is_chosen_for_an_int8_variant(
    with_int8: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(engines, "_prefers_openvino", lambda variant: True)
    opened: list[str] = []
    fake = types.SimpleNamespace(name="openvino")

    def engine(bundle: Bundle, threads: int, device: object) -> types.SimpleNamespace:
        opened.append(bundle.manifest.stylizer.precision)
        return fake

    monkeypatch.setattr("hsi.runtime.openvino_engine.OpenVinoEngine", engine)

    assert open_engine(Bundle(with_int8)) is fake
    assert opened == ["int8"]
    assert "engine openvino runs both.hsi at INT8, auto was asked for" in caplog.messages


class FakeOnnxRuntime:
    """Stands for CUDA, which no machine without a GPU has."""

    runs: str
    opened: list[tuple[str, str]]

    def __init__(self, bundle: Bundle, engine: str, threads: int, options: object) -> None:
        self.name = self.runs
        self.opened.append((engine, bundle.manifest.stylizer.precision))

    def close(self) -> None:
        pass


@pytest.mark.parametrize(
    ("runs", "precision", "opened"),
    [
        ("onnxruntime-cuda", "fp16", [("auto", "fp32"), ("onnxruntime-cuda", "fp16")]),
        ("onnxruntime-cuda", "int8", [("auto", "fp32")]),
        ("onnxruntime-cpu", "fp16", [("auto", "fp32")]),
    ],
)
def test_fp16_runs_on_cuda_alone(
    with_int8: Path,
    repack: Repack,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    runs: str,
    precision: str,
    opened: list[tuple[str, str]],
) -> None:
    def rename(values: Values) -> None:
        values["variants"][0]["graph"]["precision"] = precision

    bundle = Bundle(repack(with_int8, tmp_path / "other.hsi", edit=rename))
    monkeypatch.setattr(FakeOnnxRuntime, "runs", runs, raising=False)
    monkeypatch.setattr(FakeOnnxRuntime, "opened", [], raising=False)
    monkeypatch.setattr("hsi.runtime.onnxruntime_engine.OnnxRuntimeEngine", FakeOnnxRuntime)
    monkeypatch.setattr(engines, "_prefers_openvino", lambda variant: False)

    assert open_engine(bundle).name == runs
    assert FakeOnnxRuntime.opened == opened


def test_onnx_runtime_asked_for_by_name_runs_fp32(with_int8: Path) -> None:
    bundle = Bundle(with_int8)

    opened = open_engine(bundle, "onnxruntime-cpu", threads=1)

    opened.close()
    assert bundle.manifest.stylizer.precision == "fp32"


@pytest.mark.parametrize(("cuda", "name"), [(False, "openvino"), (True, "onnxruntime-cpu")])
def test_openvino_runs_where_there_is_no_gpu(
    shipped: Path, monkeypatch: pytest.MonkeyPatch, cuda: bool, name: str
) -> None:
    pytest.importorskip("openvino")
    monkeypatch.setattr(engines, "_has_cuda", lambda: cuda)

    opened = open_engine(Bundle(shipped), threads=1)

    opened.close()
    assert opened.name == name


def test_a_gpu_comes_before_int8(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("openvino")
    ort = types.SimpleNamespace(get_available_providers=lambda: ["CUDAExecutionProvider"])
    monkeypatch.setitem(sys.modules, "onnxruntime", ort)

    assert not engines._prefers_openvino(None)


def test_an_openvino_that_does_not_load_is_told(
    shipped: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    pytest.importorskip("openvino")
    monkeypatch.setitem(sys.modules, "openvino", None)

    opened = open_engine(Bundle(shipped), threads=1)

    opened.close()
    assert opened.name == "onnxruntime-cpu"
    assert "OpenVINO is installed and does not load: " in caplog.text


def test_openvino_by_name_runs_fp32_where_there_is_no_variant(shipped: Path) -> None:
    pytest.importorskip("openvino")
    opened = open_engine(Bundle(shipped), "openvino", threads=1)

    opened.close()
    assert isinstance(opened, OpenVinoEngine)


def test_inspecting_shows_what_the_gate_found(
    with_int8: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert inspect([str(with_int8)]) == 0

    shown = capsys.readouterr().out
    assert "  variant         int8, stylizer.onnx" in shown
    assert "passes on openvino: PSNR 41.5 dB, SSIM 0.9800, worst tile 35.0 dB" in shown
