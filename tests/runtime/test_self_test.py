from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import pytest

import hsi.runtime
from hsi.runtime import Stylizer
from hsi.runtime.bundle import Bundle
from hsi.runtime.errors import BundleError, QualityError
from hsi.runtime.frame import Image
from tests.runtime.fake_engine import even

Repack = Callable[..., Path]


def test_the_self_test_passes_on_the_bundle_as_exported(stylizer: Stylizer) -> None:
    stylizer.self_test()


@pytest.fixture(scope="module")
def untrue(shipped: Path, tmp_path_factory: pytest.TempPathFactory, repack: Repack) -> Path:
    """The shipped bundle with another golden picture, hash and all."""
    picture = 255 - Bundle(shipped).read_picture("golden/stylised.png")
    return _with_golden(shipped, tmp_path_factory.mktemp("untrue"), repack, picture)


def _with_golden(shipped: Path, folder: Path, repack: Repack, picture: Image) -> Path:
    good, data = cv2.imencode(".png", picture)
    assert good
    parts = {"golden/stylised.png": data.tobytes()}
    return repack(shipped, folder / "untrue.hsi", parts=parts, rehash=True)


def test_a_self_test_that_fails_says_how_far_off(untrue: Path) -> None:
    match = r"untrue\.hsi: self-test failed on openvino: expected at most 3 of 255 and 0\.10% of"
    with pytest.raises(QualityError, match=match):
        hsi.runtime.load(untrue, threads=1)


def test_the_self_test_can_be_skipped(untrue: Path, frame: Image) -> None:
    with hsi.runtime.load(untrue, threads=1, verify=False) as stylizer:
        assert stylizer(frame).shape == frame.shape


def test_hsi_run_exits_5_on_a_failed_self_test(untrue: Path) -> None:
    words = ["test://64x64@30?frames=1", "-o", "null:", "--model", str(untrue)]
    command = [sys.executable, "-m", "hsi.runtime.cli", *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 5
    assert done.stderr.startswith("hsi-run: ")
    assert done.stderr.count("\n") == 1


def test_golden_pictures_of_two_sizes(shipped: Path, tmp_path: Path, repack: Repack) -> None:
    path = _with_golden(shipped, tmp_path, repack, even(0, 70, 71))
    with pytest.raises(BundleError, match="expected golden pictures of one size, found"):
        hsi.runtime.load(path, threads=1)
