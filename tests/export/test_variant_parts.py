"""Exports with variants: judged, written where good enough, and refused in one line where not."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

import hsi.runtime
from hsi.calibrate.ranges import METHODS
from hsi.calibrate.variants import PRECISIONS
from hsi.export import precision_arguments
from hsi.export.cli import main
from hsi.runtime.bundle import Bundle
from hsi.runtime.frame import Image

pytestmark = pytest.mark.usefixtures("small_comparisons")


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory, photo: Image) -> Path:
    """A folder of six pictures, parts of a photograph."""
    folder = tmp_path_factory.mktemp("clips")
    for number in range(6):
        part = photo[40 * number : 40 * number + 160, 90 * number : 90 * number + 200]
        cv2.imwrite(str(folder / f"{number}.png"), part)
    return folder


def arguments(checkpoint: Path, out: Path, *more: str) -> list[str]:
    return [str(checkpoint), "-o", str(out), "-q", "--min-psnr", "20", "--min-ssim", "0.5", *more]


@pytest.fixture(scope="module")
def int8_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where :func:`int8` is."""
    return tmp_path_factory.mktemp("int8")


@pytest.fixture
def int8(int8_folder: Path, checkpoint: Path, clips: Path, quick_exports: None) -> Path:
    """A bundle with an INT8 variant, made once, and beside it the page of its gate."""
    out, page = int8_folder / "a.hsi", int8_folder / "gate.html"
    if not out.exists():
        more = ("--precision", "int8", "--calib", str(clips), "--min-tile", "10")
        assert main(arguments(checkpoint, out, *more, "--page", str(page))) == 0
    return out


def test_an_int8_variant_is_in_the_bundle_with_its_verdict(int8: Path, clips: Path) -> None:
    bundle = Bundle(int8)
    variant = bundle.manifest.variant("int8")
    assert variant is not None
    assert variant.verdicts[0].engine == "onnxruntime-cpu"
    record = json.loads(bundle.read(variant.calibration))
    assert record["places"] == [str(clips)]
    assert [one["name"] for one in record["drift"]["statistics"]] == ["0.mean", "0.variance"]
    assert b"DequantizeLinear" in bundle.read(variant.graph.part)
    assert "int8: passes" in int8.with_name("gate.html").read_text()


def test_a_loss_network_puts_style_and_content_loss_into_the_verdict(
    checkpoint: Path,
    clips: Path,
    vgg: Path,
    tmp_path: Path,
    quick_exports: None,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "a.hsi"
    more = ("--precision", "fp16", "--frame", str(clips / "0.png"))
    losses = ("--loss-network", str(vgg), "--max-style-change", "9")

    assert main([*arguments(checkpoint, out, *more, *losses), "--json"]) == 0

    variant = Bundle(out).manifest.variant("fp16")
    assert variant is not None
    verdict, told = variant.verdicts[0], json.loads(capsys.readouterr().out)["gate"][0]
    assert verdict.max_style_change == 9
    assert verdict.style_change == pytest.approx(told["style_change"], abs=1e-4)
    assert verdict.content_change == pytest.approx(told["content_change"], abs=1e-4)
    assert told["scores"][0]["losses"]["style"] > 0


def test_the_runtime_runs_the_int8_variant_after_its_self_test(int8: Path, photo: Image) -> None:
    pytest.importorskip("openvino")

    with hsi.runtime.load(int8, engine="openvino", threads=1) as stylizer:
        assert stylizer.manifest.stylizer.precision == "int8"
        assert stylizer.drift_reference() is not None
        assert stylizer(np.ascontiguousarray(photo[:96, :128])).shape == (96, 128, 3)


def test_an_fp16_variant_needs_no_calibration(
    checkpoint: Path, tmp_path: Path, quick_exports: None
) -> None:
    out = tmp_path / "a.hsi"

    assert main(arguments(checkpoint, out, "--precision", "fp16")) == 0

    variant = Bundle(out).manifest.variant("fp16")
    assert variant is not None and variant.calibration == ""


def test_a_variant_that_fails_the_gate_is_not_written(
    checkpoint: Path,
    clips: Path,
    tmp_path: Path,
    quick_exports: None,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "a.hsi"
    more = ("--precision", "int8", "--calib", str(clips), "--min-psnr", "90")

    assert main([*arguments(checkpoint, out), *more]) == 5

    told = capsys.readouterr()
    assert not out.exists()
    assert "FAILS" in told.out
    assert told.err.splitlines() == [
        f"hsi-export: {checkpoint}: a variant fails the quality gate: nothing written"
    ]


def test_auto_writes_fp32_alone_where_nothing_passes(
    checkpoint: Path,
    clips: Path,
    tmp_path: Path,
    quick_exports: None,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "a.hsi"
    more = ("--precision", "auto", "--calib", str(clips), "--min-psnr", "99")

    assert main([*arguments(checkpoint, out), *more]) == 0

    assert Bundle(out).manifest.variants == ()
    assert "auto: no lower precision is both good enough and faster" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("more", "code", "match"),
    [
        (("--precision", "int8"), 2, "precision int8 needs frames to calibrate on: pass --calib"),
        (("--precision", "int8", "--calib", "gone"), 3, "gone: no such file or folder"),
        (("--min-psnr", "300"), 2, "min_psnr must be from 0 to 99 dB, got 300"),
        (("--min-ssim", "2"), 2, "min_ssim must be from -1 to 1, got 2"),
        (("--max-style-change", "-1"), 2, "max_style_change must be 0 or more, such as 0.05, got"),
        (
            ("--precision", "fp16", "--loss-network", "gone.pth"),
            3,
            "gone.pth: expected a checkpoint, found no such file",
        ),
    ],
)
def test_a_wrong_option_is_one_line(
    checkpoint: Path,
    tmp_path: Path,
    quick_exports: None,
    capsys: pytest.CaptureFixture[str],
    more: tuple[str, ...],
    code: int,
    match: str,
) -> None:
    out = tmp_path / "a.hsi"

    assert main([*arguments(checkpoint, out), *more]) == code

    error = capsys.readouterr().err
    assert match in error and error.count("\n") == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("picture", "match"),
    [
        (None, "calib: no picture there"),
        ((40, 300), "expected frames to calibrate on with sides of at least 64 pixels .* 300x40"),
    ],
)
def test_a_calibration_without_frames_of_use_is_one_line(
    checkpoint: Path,
    tmp_path: Path,
    quick_exports: None,
    capsys: pytest.CaptureFixture[str],
    picture: tuple[int, int] | None,
    match: str,
) -> None:
    calib, out = tmp_path / "calib", tmp_path / "bundles" / "a.hsi"
    calib.mkdir()
    out.parent.mkdir()
    if picture is not None:
        cv2.imwrite(str(calib / "a.png"), np.zeros((*picture, 3), np.uint8))

    assert main([*arguments(checkpoint, out), "--precision", "int8", "--calib", str(calib)]) == 3

    error = capsys.readouterr().err
    assert re.search(match, error) and error.count("\n") == 1
    assert not list(out.parent.iterdir())


def test_a_calibration_that_is_interrupted_leaves_nothing(
    checkpoint: Path,
    clips: Path,
    tmp_path: Path,
    quick_exports: None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "bundles" / "a.hsi"
    out.parent.mkdir()

    def interrupt(*of: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("hsi.calibrate.quantiser.channel_ranges", interrupt)
    more = ("--precision", "int8", "--calib", str(clips))

    assert main([*arguments(checkpoint, out), *more]) == 130

    assert "interrupted, nothing written" in capsys.readouterr().err
    assert not list(out.parent.iterdir())


def test_the_same_export_gives_the_same_int8_graph(
    checkpoint: Path, clips: Path, tmp_path: Path, quick_exports: Callable[..., None]
) -> None:
    more = ("--precision", "int8", "--calib", str(clips), "--min-tile", "10")
    outs = [tmp_path / "a.hsi", tmp_path / "b.hsi"]
    for out in outs:
        assert main(arguments(checkpoint, out, *more)) == 0

    first, second = (Bundle(out).read("stylizer.int8.onnx") for out in outs)
    assert first == second


def test_the_arguments_offer_what_there_is() -> None:
    assert precision_arguments.PRECISIONS == PRECISIONS
    assert precision_arguments.RANGES == METHODS
