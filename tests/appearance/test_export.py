"""A diffusion model as a bundle: its graphs against torch."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from hsi.appearance import DiffusionModel, load_model
from hsi.export.cli import main as hsi_export
from hsi.export.cross_image import parity
from hsi.export.cross_image.onnx_graphs import serialised
from hsi.runtime.appearance import OnnxModel
from hsi.runtime.appearance.manifest import AppearanceManifest
from hsi.runtime.archive import Archive

Repack = Callable[..., Path]


def test_every_step_and_a_whole_picture_agree_with_torch(folder: Path, bundle: Path) -> None:
    wanted, found = load_model(folder, noun="cat"), OnnxModel(bundle, threads=1)
    picture = np.random.default_rng(0).integers(0, 256, (2, 1, 32, 32, 3)).astype(np.uint8)

    steps = parity.compare_steps(wanted, found)
    whole = parity.compare_pictures(wanted, found, *picture)

    assert len(steps) == 7
    assert max(step.worst for step in steps) < 1e-3
    assert whole.psnr >= 40
    assert found.fingerprint() == wanted.fingerprint()


def test_a_network_that_differs_is_told(loaded: DiffusionModel, bundle: Path) -> None:
    found = OnnxModel(bundle)
    found._contexts = 3 * found._contexts

    assert not all(step.agrees for step in parity.compare_steps(loaded, found))


def test_graphs_are_standard_onnx(bundle: Path) -> None:
    archive = Archive(bundle, AppearanceManifest.from_json)
    for name in ("encoder.onnx", "decoder.onnx", "unet.onnx"):
        model = onnx.load_from_string(archive.read(name))
        onnx.checker.check_model(model, full_check=True)
        assert {node.domain for node in model.graph.node} == {""}
        assert [(o.domain, o.version >= 18) for o in model.opset_import] == [("", True)]


def test_rounded_weights_take_half_the_size_and_compute_the_same(
    bundle: Path, repack: Repack, tmp_path: Path
) -> None:
    data = Archive(bundle, AppearanceManifest.from_json).read("unet.onnx")
    model = onnx.load_from_string(data)
    for one in model.graph.initializer:
        if one.data_type == onnx.TensorProto.FLOAT:
            rounded = numpy_helper.to_array(one).astype(np.float16).astype(np.float32)
            one.CopyFrom(numpy_helper.from_array(rounded, one.name))
    parts = {"whole": model.SerializeToString(), "half": serialised(model, half=True)}
    latents, times = np.ones((1, 4, 16, 16), np.float32), np.array([501])

    outputs = [
        OnnxModel(
            repack(bundle, tmp_path / f"{name}.hsi", parts={"unet.onnx": part}, rehash=True),
            threads=1,
        )
        .predict(latents, times)
        .output
        for name, part in parts.items()
    ]

    assert len(parts["half"]) < 0.7 * len(data)
    assert abs(outputs[1] - outputs[0]).max() < 1e-6


def test_weights_that_are_not_rounded_are_stored_as_they_are(bundle: Path) -> None:
    data = Archive(bundle, AppearanceManifest.from_json).read("unet.onnx")

    kept = serialised(onnx.load_from_string(data), half=True)

    assert len(kept) > 0.95 * len(data)


def test_an_export_is_not_written_over_another_or_for_no_model(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--family", "cross-image", str(tmp_path)]

    assert hsi_export([*words, "-o", str(tmp_path / "a.hsi"), "--precision", "fp16"]) == 2
    assert hsi_export([*words, "-o", str(bundle)]) == 2
    assert hsi_export([*words, "-o", str(tmp_path / "a.hsi")]) == 3
    told = capsys.readouterr().err.splitlines()
    assert "--target and --precision are of style-transfer networks" in told[0]
    assert "exists: pass --force to replace it" in told[1]
    assert "expected a model in diffusers layout, found no model_index.json" in told[-1]
    assert not list(tmp_path.iterdir())
