"""Drift from end to end: a bundle calibrated on one scene plays that scene and another."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
import pytest

from hsi.calibrate import CalibrationOptions, collect
from hsi.calibrate.drift_bounds import drift_reference
from hsi.calibrate.stylizer_run import StylizerRun
from hsi.runtime.bundle import Bundle
from hsi.runtime.cli import main
from hsi.runtime.frame import Image

Values = dict[str, Any]
Play = Callable[..., tuple[Values, str]]
SIZE = (128, 96)


def scene(photo: Image, number: int) -> Image:
    """A photograph that sways."""
    part = photo[:, 4 * (number % 5) : 700]
    return np.asarray(cv2.resize(part, SIZE, interpolation=cv2.INTER_AREA), np.uint8)


@pytest.fixture(scope="module")
def make_clip(make_video: Callable[..., Path], photo: Image, tmp_path_factory: Any) -> Any:
    """Make a video of the scene in some light."""

    def make(light: float) -> Path:
        def image(number: int, size: tuple[int, int]) -> Image:
            return (scene(photo, number) * light).astype(np.uint8)

        # Slow, so that few frames are many seconds.
        path = tmp_path_factory.mktemp("clip") / "clip.mp4"
        return make_video(path, count=24, size=SIZE, fps=4, image=image)

    return make


@pytest.fixture(scope="module")
def calibrated(
    shipped: Path,
    repack: Callable[..., Path],
    make_clip: Callable[[float], Path],
    tmp_path_factory: Any,
) -> Path:
    """The shipped bundle with its FP32 graph as an INT8 variant, calibrated on the scene."""
    bundle = Bundle(shipped)
    graph = bundle.read("stylizer.onnx")
    found = collect([str(make_clip(1.0))], CalibrationOptions(frames=8, candidates=24))
    run = StylizerRun(onnx.load_from_string(graph), threads=1)
    record = found.to_json(drift_reference(found, run, bundle.manifest.statistics))
    parts = {"calibration.json": record.encode(), "stylizer.int8.onnx": graph}
    path = tmp_path_factory.mktemp("calibrated") / "calibrated.hsi"
    return repack(shipped, path, parts=parts, rehash=True, edit=_with_variant)


def _with_variant(values: Values) -> None:
    verdict = {"engine": "openvino", "psnr": 40.0, "ssim": 1.0, "worst_tile_psnr": 40.0}
    limits = {"min_psnr": 35.0, "min_ssim": 0.9, "min_tile_psnr": 30.0, "passed": True}
    graph = {**values["stylizer"], "part": "stylizer.int8.onnx", "precision": "int8"}
    variant = {"graph": graph, "golden": values["golden"], "verdicts": [{**verdict, **limits}]}
    values["variants"] = [{**variant, "calibration": "calibration.json"}]


@pytest.fixture
def play(calibrated: Path, make_clip: Callable[[float], Path], capsys: Any) -> Play:
    """Run the command on a video of the scene in some light; its summary, and what it logged."""
    pytest.importorskip("openvino")

    def run(light: float, *more: str, engine: str = "openvino") -> tuple[Values, str]:
        words = ["--model", str(calibrated), "--engine", engine, "--threads", "1", "--no-verify"]
        assert main([str(make_clip(light)), "-o", "null:", "--json", *words, *more]) == 0
        told = capsys.readouterr()
        return json.loads(told.out), told.err

    return run


def test_the_scene_calibrated_on_has_not_drifted(play: Play, tmp_path: Path) -> None:
    summary, log = play(1.0, "--collect", str(tmp_path / "new"))

    (drift,) = summary["drift"].values()
    assert drift["worst"] < 1
    assert drift["outside_share"] == 0
    assert "the scene has left" not in log
    assert summary["collected"] == 0


def test_another_light_is_told_once_and_collected_for_the_next_calibration(
    play: Play, tmp_path: Path
) -> None:
    summary, log = play(0.4, "--collect", str(tmp_path / "new"))

    (drift,) = summary["drift"].values()
    assert drift["worst"] > 1 and drift["outside_share"] > 0.9
    assert log.count("the scene has left the frames this bundle was calibrated on") == 1
    assert summary["collected"] == len(list((tmp_path / "new").glob("*.png"))) >= 1


def test_fp32_was_calibrated_on_nothing_and_has_no_drift(play: Play) -> None:
    summary, log = play(0.4, engine="onnxruntime-cpu")

    assert summary["drift"] == {}
    assert "the scene has left" not in log
