from __future__ import annotations

import copy
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import onnx
import pytest
import torch
from onnx import numpy_helper

import hsi.export
import hsi.runtime
from hsi.calibrate import doubling
from hsi.export import ExportOptions, ExportReport, export
from hsi.model import StyleNetwork
from hsi.model.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from hsi.runtime.bundle import Bundle
from hsi.runtime.errors import OptionError, OutputError, QualityError, SourceError
from hsi.runtime.frame import Image

Array = npt.NDArray[np.float32]
SMALL = ((96, 80), (131, 97))


def _written(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_an_export_agrees_with_torch_at_three_sizes(
    exported: tuple[ExportReport, list[str]],
) -> None:
    report, _ = exported
    assert report.agrees
    assert report.written
    assert [row.size for row in report.comparisons] == ["512x512", "641x479", "1280x720"]
    assert all(row.worst <= 1 for row in report.comparisons)
    assert report.receptive_field == 95
    assert report.to_dict()["agrees"] is True


def test_every_long_step_is_told(exported: tuple[ExportReport, list[str]]) -> None:
    report, steps = exported
    assert steps == [
        "reading tiny.pt",
        "style encoder to ONNX",
        "stylizer to ONNX",
        "receptive field",
        "torch against ONNX Runtime at 512x512",
        "torch against ONNX Runtime at 641x479",
        "torch against ONNX Runtime at 1280x720",
        f"writing {report.out}",
    ]


def test_what_is_written_loads_and_passes_its_own_test(bundle: Bundle, photo: Image) -> None:
    with hsi.runtime.load(bundle.path, threads=1) as stylizer:
        made = stylizer(photo)
    assert made.shape == photo.shape
    assert sum(part.bytes for part in bundle.manifest.parts) > 1_000_000


def test_a_bundle_has_the_stylizer_a_second_time_as_cpus_run_it_fastest(bundle: Bundle) -> None:
    names = (bundle.manifest.stylizer.part, bundle.manifest.stylizer_on_cpu.part)
    plain, folded = (onnx.load_from_string(bundle.read(name)) for name in names)
    assert names == ("stylizer.onnx", "stylizer.cpu.onnx")
    assert doubling.without_doubling(plain) is not plain
    assert doubling.without_doubling(folded) is folded


@pytest.mark.usefixtures("quick_exports")
def test_a_dry_run_writes_nothing(checkpoint: Path, tmp_path: Path) -> None:
    options = ExportOptions(model=checkpoint, out=tmp_path / "a.hsi", sizes=SMALL, dry_run=True)
    report = export(options)
    assert report.agrees
    assert not report.written
    assert _written(tmp_path) == []


@pytest.mark.usefixtures("quick_exports")
def test_force_replaces_a_bundle(checkpoint: Path, tmp_path: Path) -> None:
    out = tmp_path / "a.hsi"
    out.write_bytes(b"old")
    with pytest.raises(OptionError, match=r"a\.hsi exists: pass --force to replace it"):
        ExportOptions(model=checkpoint, out=out)
    export(ExportOptions(model=checkpoint, out=out, sizes=SMALL, force=True))
    Bundle(out).verify()
    assert _written(tmp_path) == ["a.hsi"]


def _weight_changed(weight: Array) -> Array:
    return weight * np.float32(1.1)


def _colours_flipped(weight: Array) -> Array:
    blocks = weight.reshape(len(weight), 16, 3, *weight.shape[2:])  # 4x4 pixels of three colours
    return np.flip(blocks, 2).reshape(weight.shape)


def test_a_layout_for_cpus_that_is_wrong_is_found_too(
    checkpoint: Path, tmp_path: Path, quick_exports: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    fold = doubling.folded_weight
    monkeypatch.setattr(doubling, "folded_weight", lambda weight: 1.05 * fold(weight))

    report = export(ExportOptions(model=checkpoint, out=tmp_path / "a.hsi", sizes=SMALL))

    assert not report.agrees
    assert _written(tmp_path) == []


@pytest.mark.parametrize("damage", [_weight_changed, _colours_flipped])
def test_a_graph_broken_on_purpose_is_found_and_not_written(
    checkpoint: Path,
    tmp_path: Path,
    bundle: Bundle,
    quick_exports: None,
    monkeypatch: pytest.MonkeyPatch,
    damage: Callable[[Array], Array],
) -> None:
    model = onnx.load_from_string(bundle.read("stylizer.onnx"))
    first = next(node for node in model.graph.node if node.op_type == "Conv")
    (weight,) = (one for one in model.graph.initializer if one.name == first.input[1])
    weight.CopyFrom(numpy_helper.from_array(damage(numpy_helper.to_array(weight)), weight.name))
    broken = model.SerializeToString()
    monkeypatch.setattr("hsi.export.exporter.stylizer_onnx", lambda network: broken)

    report = export(ExportOptions(model=checkpoint, out=tmp_path / "a.hsi", sizes=SMALL))

    assert not report.agrees
    assert not report.written
    assert max(row.worst for row in report.comparisons) > 2
    assert _written(tmp_path) == []


@pytest.mark.usefixtures("quick_exports")
def test_pictures_of_the_users_choice_are_compared_and_stay_at_home(
    checkpoint: Path, bundle: Bundle, tmp_path: Path
) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (90, 90, 3)).astype(np.uint8)
    cv2.imwrite(str(tmp_path / "mine.png"), noise)
    mine, out = tmp_path / "mine.png", tmp_path / "a.hsi"
    options = ExportOptions(model=checkpoint, out=out, sizes=SMALL, frame=mine, style=mine)
    assert export(options).agrees
    for name in ("golden/frame.png", "golden/style.png"):
        assert Bundle(out).read(name) == bundle.read(name)


@pytest.mark.parametrize("which", ["frame", "style"])
@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b"dear diary", r"mine: expected a picture \(JPEG, PNG, ...\), found none in the file"),
        (b"", r"mine: expected a picture \(JPEG, PNG, ...\), found none in the file"),
        (None, "mine: expected a picture, found: No such file or directory"),
    ],
)
def test_a_picture_that_is_none(
    checkpoint: Path, tmp_path: Path, which: str, content: bytes | None, match: str
) -> None:
    mine = tmp_path / "mine"
    if content is not None:
        mine.write_bytes(content)
    chosen: dict[str, Any] = {which: mine}
    with pytest.raises(SourceError, match=match):
        export(ExportOptions(model=checkpoint, out=tmp_path / "a.hsi", **chosen))


def test_options_that_cannot_be(checkpoint: Path, tmp_path: Path) -> None:
    (tmp_path / "folder.hsi").mkdir()
    wrong: list[tuple[str, type[Exception], str]] = [
        ("a.onnx", OptionError, r"the bundle must end in \.hsi, got 'a\.onnx'"),
        ("folder.hsi", OptionError, r"folder\.hsi is a folder: give the name of a file"),
        ("gone/a.hsi", OutputError, r"a\.hsi: expected folder .*gone, found none: make it"),
    ]
    for name, kind, match in wrong:
        with pytest.raises(kind, match=match):
            ExportOptions(model=checkpoint, out=tmp_path / name, force=True)
    with pytest.raises(OptionError, match=r"sizes must have sides from 64 pixels, got \(\(63, 64"):
        ExportOptions(model=checkpoint, out=tmp_path / "a.hsi", sizes=((63, 64),))


def test_a_folder_without_permission_is_found_before_the_work(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(OutputError, match=r"a\.hsi: expected to write to .*, found no permission"):
        ExportOptions(model=checkpoint, out=tmp_path / "a.hsi")


@pytest.mark.usefixtures("quick_exports")
def test_a_fault_while_writing_leaves_nothing(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*words: Any) -> None:
        raise OSError(5, "Input/output error")

    options = ExportOptions(model=checkpoint, out=tmp_path / "a.hsi", sizes=SMALL)
    with monkeypatch.context() as patch:
        patch.setattr("hsi.runtime.bundle.os.replace", fail)
        with pytest.raises(OutputError, match=r"a\.hsi: cannot be written: Input/output error"):
            export(options)
    assert _written(tmp_path) == []


@pytest.mark.usefixtures("quick_exports")
def test_a_full_disk_leaves_nothing(checkpoint: Path, small_disk: Path) -> None:
    with pytest.raises(OutputError, match="cannot be written: No space left on device"):
        export(ExportOptions(model=checkpoint, out=small_disk / "a.hsi", sizes=SMALL))
    assert _written(small_disk) == []


def test_weights_that_give_no_numbers_are_refused(network: StyleNetwork, tmp_path: Path) -> None:
    other = copy.deepcopy(network)
    first, *_ = other.picture_weights()
    with torch.no_grad():
        first.fill_(3e38)
    save_checkpoint(tmp_path / "a.pt", Checkpoint(network=other))
    with pytest.raises(QualityError, match="network: expected pixels, found NaN or infinity"):
        export(ExportOptions(model=tmp_path / "a.pt", out=tmp_path / "a.hsi"))
    assert _written(tmp_path) == ["a.pt"]


@pytest.mark.parametrize("value", [torch.zeros(2), {1, 2}, float("nan")])
def test_a_provenance_that_is_no_json_is_refused_before_the_work(
    network: StyleNetwork, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: Any
) -> None:
    found = Checkpoint(network=network, provenance={"steps": value})
    monkeypatch.setattr("hsi.export.exporter.load_checkpoint", lambda path: found)
    with pytest.raises(SourceError, match=r"a\.pt: expected a provenance of plain values, found"):
        export(ExportOptions(model=tmp_path / "a.pt", out=tmp_path / "a.hsi"))


def test_hsi_vgg_with_fresh_modules_agrees(hsi_vgg: ExportReport) -> None:
    assert hsi_vgg.agrees
    bundle = Bundle(hsi_vgg.out)
    bundle.verify()
    assert bundle.manifest.preset == "hsi-vgg"
    network = load_checkpoint(Path(hsi_vgg.out).with_suffix(".pt")).network
    assert bundle.manifest.style_code_size == network.code_size
    assert bundle.manifest.stylizer_on_cpu == bundle.manifest.stylizer  # it pads what it doubles


def test_the_package_exports_what_it_says() -> None:
    assert hsi.export.__all__ == ["Comparison", "ExportOptions", "ExportReport", "export"]
    assert all(hasattr(hsi.export, name) for name in hsi.export.__all__)
    with pytest.raises(AttributeError, match=r"module 'hsi\.export' has no attribute 'exports'"):
        hsi.export.exports  # noqa: B018
