"""A bundle made here runs in environments that have other engines, and less of everything else."""

from __future__ import annotations

import math
import shutil
import subprocess
import venv
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

import hsi.runtime

Image = npt.NDArray[np.uint8]
ROOT = Path(__file__).resolve().parents[2]
NEEDED = ("numpy", "opencv-python-headless", "av")  # `install_requires` of setup.cfg
ENGINES = {
    "onnxruntime": ("onnxruntime-cpu", ("onnxruntime", "flatbuffers", "protobuf", "packaging")),
    "openvino": ("openvino", ("openvino", "openvino-telemetry")),
}


@pytest.fixture(scope="module")
def make_environment(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Make an environment with these distributions and the runtime; return its Python.

    They are links to what this environment has, so there is nothing to download.
    """

    def make(*distributions: str) -> Path:
        folder = tmp_path_factory.mktemp("environment")
        venv.create(folder, symlinks=True)
        (site,) = (folder / "lib").glob("python3*/site-packages")
        for name in distributions:
            found = metadata.distribution(name)
            tops = {path.parts[0] for path in found.files or () if path.parts[0] != ".."}
            for top in tops - {"__pycache__"}:
                if not (site / top).exists():
                    (site / top).symlink_to(Path(str(found.locate_file(top))).resolve())
        (site / "hsi").mkdir()
        (site / "hsi" / "runtime").symlink_to(ROOT / "runtime")
        return folder / "bin" / "python"

    return make


@pytest.fixture(scope="module")
def frame(tmp_path_factory: pytest.TempPathFactory, photo: Image) -> Path:
    """A picture to stylise."""
    path = tmp_path_factory.mktemp("frame") / "frame.png"
    assert cv2.imwrite(str(path), photo[:192, :256])
    return path


@pytest.mark.parametrize("engine", sorted(ENGINES))
def test_a_bundle_runs_where_only_another_engine_is_without_a_word(
    make_environment: Callable[..., Path], shipped: Path, tmp_path: Path, frame: Path, engine: str
) -> None:
    pytest.importorskip(engine, reason=f"{engine} is not installed")
    name, distributions = ENGINES[engine]
    bundle, out = tmp_path / "copied.hsi", tmp_path / "out.png"
    shutil.copy(shipped, bundle)
    python = make_environment(*NEEDED, *distributions)

    words = [frame, "-o", out, "--model", bundle, "--threads", "1", "-q", "--json"]
    command = [str(python), "-I", "-m", "hsi.runtime.cli", *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=tmp_path)

    assert (done.returncode, done.stderr) == (0, "")
    assert f'"engine": "{name}"' in done.stdout
    assert psnr_db(cv2.imread(str(out)), _stylised_here(shipped, frame)) >= 50


def _stylised_here(bundle: Path, frame: Path) -> Image:
    picture = cv2.imread(str(frame))
    assert picture is not None
    with hsi.runtime.load(bundle, threads=1) as stylizer:
        return stylizer(np.asarray(picture, np.uint8))


def psnr_db(first: object, second: Image) -> float:
    error = float(np.mean((np.asarray(first, np.float64) - second) ** 2))
    return 10 * math.log10(255**2 / max(error, 1e-12))
