"""What a bundle keeps of its calibration set is checked before it is used."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from hsi.runtime.bundle import Bundle
from hsi.runtime.drift_reference import colour_quantiles, drift_reference_of
from hsi.runtime.errors import BundleError
from hsi.runtime.frame import Image

Values = dict[str, Any]
Calibrated = Callable[..., Bundle]
DRIFT = {
    "colours": [[float(level) for level in range(48)]],
    "edge": 9.5,
    "statistics": [{"name": "0.mean", "start": 0, "low": [0.0, -1.0], "high": [1.0, 1.0]}],
}


@pytest.fixture
def calibrated(small_bundle: Path, repack: Callable[..., Path], tmp_path: Path) -> Calibrated:
    """The small bundle with an INT8 variant running that was calibrated on something."""

    def make(record: bytes | None = None, **changes: Any) -> Bundle:
        data = json.dumps({"drift": {**DRIFT, **changes}}).encode() if record is None else record

        def edit(values: Values) -> None:
            graph = {**values["stylizer"], "part": "stylizer.int8.onnx", "precision": "int8"}
            variant = {"graph": graph, "golden": values["golden"], "verdicts": []}
            values["variants"] = [{**variant, "calibration": "calibration.json"}]

        parts = {"calibration.json": data, "stylizer.int8.onnx": b"graph"}
        path = tmp_path / "calibrated.hsi"
        bundle = Bundle(repack(small_bundle, path, parts=parts, rehash=True, edit=edit))
        bundle.select(bundle.manifest.variants[0])
        return bundle

    return make


def test_a_record_survives_the_bundle(calibrated: Calibrated) -> None:
    reference = drift_reference_of(calibrated())

    assert reference is not None
    assert reference.colours[0][47] == 47
    assert reference.statistics[0].high == (1.0, 1.0)


def test_fp32_was_calibrated_on_nothing(calibrated: Calibrated) -> None:
    fp32 = Bundle(calibrated().path)

    assert drift_reference_of(fp32) is None


def test_a_record_of_before_drift_is_none(calibrated: Calibrated) -> None:
    assert drift_reference_of(calibrated(b'{"frames": []}')) is None


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"colours": []}, "expected 48 colours of each frame, an edge above 0 and statistics"),
        ({"colours": [[1.0] * 47]}, "expected 48 colours of each frame"),
        ({"colours": [[float("nan")] * 48]}, "expected 48 colours of each frame"),
        ({"colours": [["red"] * 48]}, r"drift\.colours\[0\]\[0\]: expected float or int, found"),
        ({"edge": 0}, "an edge above 0"),
        ({"edge": float("nan")}, "an edge above 0"),
        ({"edge": None}, r"drift\.edge: expected float or int, found None"),
        ({"statistics": []}, "and statistics, found others"),
        ({"new": 1}, "expected no field 'new', found one: update hsi-edge"),
        (
            {"statistics": [{"name": "x", "start": 6, "low": [0, 0], "high": [1, 1]}]},
            "expected statistics of this network, found x beyond them",
        ),
        (
            {"statistics": [{"name": "x", "start": 0, "low": [2], "high": [1]}]},
            "expected bounds of x, the lower first, found others",
        ),
        (
            {"statistics": [{"name": "x", "start": 0, "low": [float("nan")], "high": [1]}]},
            "expected bounds of x, the lower first",
        ),
        (
            {"statistics": [{"name": "x", "start": -1, "low": [0], "high": [1]}]},
            "expected bounds of x, the lower first",
        ),
    ],
)
def test_a_wrong_record_is_refused(calibrated: Calibrated, changes: Values, match: str) -> None:
    bundle = calibrated(**changes)

    with pytest.raises(BundleError, match=match):
        drift_reference_of(bundle)


@pytest.mark.parametrize("record", [b"{", b"[" * 100_000, b"\xff"])
def test_a_record_that_is_no_json_is_refused(calibrated: Calibrated, record: bytes) -> None:
    bundle = calibrated(record)

    with pytest.raises(BundleError, match=r"calibration\.json: expected JSON, found damage"):
        drift_reference_of(bundle)


def test_a_changed_record_is_refused(calibrated: Calibrated, repack: Callable[..., Path]) -> None:
    bundle = calibrated()
    other = json.dumps({"drift": {**DRIFT, "edge": 8.5}}).encode()
    repack(bundle.path, bundle.path, parts={"calibration.json": other})

    with pytest.raises(BundleError, match=r"calibration\.json is not the one this bundle"):
        drift_reference_of(bundle)


def test_colours_move_by_a_level_where_the_frame_does(photo: Image) -> None:
    darker = np.clip(photo, 20, None) - 20

    apart = colour_quantiles(np.clip(photo, 20, None)) - colour_quantiles(darker)

    assert np.abs(apart - 20).max() <= 1


def test_colours_do_not_depend_on_the_size_of_the_frame(photo: Image) -> None:
    large = np.asarray(cv2.resize(photo, (1920, 1080), interpolation=cv2.INTER_CUBIC), np.uint8)

    assert np.abs(colour_quantiles(large) - colour_quantiles(photo)).mean() < 2


def test_colours_do_not_depend_on_where_things_are(photo: Image) -> None:
    flipped = np.ascontiguousarray(photo[::-1, ::-1])

    assert np.abs(colour_quantiles(flipped) - colour_quantiles(photo)).mean() < 1


@pytest.mark.parametrize("size", [(1, 1), (64, 64), (64, 8192), (2160, 3840)])
def test_every_size_of_frame_has_colours(size: tuple[int, int]) -> None:
    found = colour_quantiles(np.full((*size, 3), 77, np.uint8))

    assert found.shape == (3, 16)
    assert (found == 77).all()
