"""What all tests share: bundles to damage, a photograph, a camera, caches that are nobody's."""

from __future__ import annotations

import copy
import hashlib
import importlib
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from hsi.runtime.bundle import shipped_bundle

Values = dict[str, Any]
ROOT = Path(__file__).resolve().parent.parent
sys.path.append(str(ROOT))  # for `bench`, and helpers such as `tests.runtime.scripted`


@pytest.fixture(autouse=True, scope="session")
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Style codes of a test are kept nowhere else; commands started by a test inherit this."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of training data beside the repository, which only some machines have."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"{folder} is not there")
    return folder


@pytest.fixture(scope="session")
def photo() -> npt.NDArray[np.uint8]:
    """A photograph, 768x512, that no test may write to."""
    picture = cv2.imread(str(ROOT / "export" / "data" / "frame.jpg"))
    assert picture is not None
    frame = np.asarray(picture, np.uint8)
    frame.setflags(write=False)
    return frame


@pytest.fixture(scope="session")
def shipped() -> Path:
    """The bundle that travels with the package. Copy it to change it."""
    return shipped_bundle()


@pytest.fixture(scope="session")
def small_parts() -> dict[str, bytes]:
    """Parts of a bundle of 2 kB: its pictures are pictures, its graphs are none."""
    good, png = cv2.imencode(".png", np.full((8, 12, 3), 90, np.uint8))
    assert good
    pictures = {f"golden/{name}.png": png.tobytes() for name in ("frame", "style", "stylised")}
    return {"style_encoder.onnx": b"encoder" * 9, "stylizer.onnx": b"stylizer" * 7, **pictures}


@pytest.fixture(scope="session")
def _small_values(small_parts: dict[str, bytes]) -> Values:
    def tensor(name: str, dtype: str, *shape: int | str) -> Values:
        return {"name": name, "dtype": dtype, "shape": list(shape), "meaning": "as named"}

    def graph(part: str, inputs: list[Values], outputs: list[Values]) -> Values:
        head = {"part": part, "precision": "fp32", "opset": 20, "ir_version": 10}
        return {**head, "inputs": inputs, "outputs": outputs}

    picture = ("uint8", "N", "H", "W", 3)
    code, statistics, one = ("float32", "N", 6), ("float32", "N", 7), ("float32", "N", 1)
    stylizer = graph(
        "stylizer.onnx",
        [
            tensor("frame", *picture),
            tensor("style_code", *code),
            tensor("statistics", *statistics),
            tensor("statistics_weight", *one),
            tensor("strength", *one),
        ],
        [tensor("stylised", *picture), tensor("statistics_used", *statistics)],
    )
    return {
        "format": "hsi bundle",
        "version": 1,
        "name": "small",
        "preset": "hsi-edge",
        "parts": [_entry(name, data) for name, data in small_parts.items()],
        "style_encoder": graph(
            "style_encoder.onnx", [tensor("style", *picture)], [tensor("style_code", *code)]
        ),
        "stylizer": stylizer,
        "frame": {"min_side": 64, "max_side": 8192, "stride": 8, "receptive_field": 95},
        "style_short_side": 512,
        "style_code_size": 6,
        "statistics": [
            {"name": "0.mean", "start": 0, "size": 2},
            {"name": "0.variance", "start": 2, "size": 2},
            {"name": "0.pooled_query", "start": 4, "size": 2},
            {"name": "0.relation", "start": 6, "size": 1},
        ],
        "golden": {
            "frame": "golden/frame.png",
            "style": "golden/style.png",
            "stylised": "golden/stylised.png",
            "max_difference": 3,
            "max_share_over_one": 0.001,
        },
        "licences": [{"what": "small weights", "terms": "CC0-1.0", "source": ""}],
        "training": {"steps": 3},
        "generator": {"hsi-edge": "0.1.0"},
        "created": "2026-01-01T00:00:00+00:00",
    }


@pytest.fixture
def small_values(_small_values: Values) -> Values:
    """The manifest of the small bundle as JSON has it, to change and break."""
    return copy.deepcopy(_small_values)


@pytest.fixture
def small_bundle(tmp_path: Path, small_values: Values, small_parts: dict[str, bytes]) -> Path:
    """The small bundle as a file."""
    path = tmp_path / "small.hsi"
    _write(path, json.dumps(small_values), small_parts)
    return path


@pytest.fixture(scope="session")
def repack() -> Callable[..., Path]:
    """Write a changed copy of a bundle.

    ``parts`` replaces parts, or drops those that are None. ``rehash`` lists the new bytes in the
    manifest, as someone would who wants the change unseen. ``edit`` then changes the manifest.
    """

    def changed(
        source: Path,
        target: Path,
        *,
        parts: Mapping[str, bytes | None] | None = None,
        rehash: bool = False,
        edit: Callable[[Values], object] | None = None,
    ) -> Path:
        with zipfile.ZipFile(source) as archive:
            files = {name: archive.read(name) for name in archive.namelist()}
        values = json.loads(files.pop("manifest.json"))
        for name, data in (parts or {}).items():
            files.pop(name, None)
            if data is not None:
                files[name] = data
        if rehash:
            values["parts"] = [_entry(name, data) for name, data in files.items()]
        if edit:
            edit(values)
        _write(target, json.dumps(values), files)
        return target

    return changed


def _entry(name: str, data: bytes) -> Values:
    return {"name": name, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def _write(path: Path, manifest: str, parts: Mapping[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("manifest.json", manifest)
        for name, data in parts.items():
            archive.writestr(name, data)


@pytest.fixture(scope="session")
def vgg(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file that passes for VGG-19 up to relu4_1."""
    # Imported here: tests of the runtime run where torch is not.
    import torch

    from hsi.model.vgg import VGG19_LAYERS

    generator = torch.Generator().manual_seed(5)
    state, width_in = {}, 3
    for number, width in enumerate((3, *(w for w in VGG19_LAYERS if isinstance(w, int)))):
        side = 3 if number else 1
        # Kaiming's scale: features keep their size through ten layers.
        scale = (2 / (width_in * side * side)) ** 0.5
        shape = (width, width_in, side, side)
        state[f"{number}.weight"] = torch.randn(shape, generator=generator) * scale
        state[f"{number}.bias"] = torch.zeros(width)
        width_in = width
    path = tmp_path_factory.mktemp("vgg") / "vgg.pth"
    torch.save(state, path)
    return path


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 300 kB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", os.fspath(folder)]
    try:
        done = subprocess.run(command, capture_output=True, text=True)
    except FileNotFoundError:
        pytest.skip("there is no mount command")
    if done.returncode:
        pytest.skip(f"may not mount a small disk: {done.stderr.strip()}")
    yield folder
    subprocess.run(["umount", os.fspath(folder)], check=True)


@pytest.fixture(scope="session")
def rtsp_cameras() -> Any:
    """The module of the camera that the benchmarks use, too."""
    return importlib.import_module("bench.rtsp_camera")


@pytest.fixture(scope="session")
def gige_cameras() -> Any:
    """The module of the GigE Vision camera that the benchmarks use, too."""
    cameras = importlib.import_module("bench.gige_camera")
    if not cameras.is_installed():
        if os.environ.get("CI"):
            pytest.fail(cameras.NEEDED)
        pytest.skip(cameras.NEEDED)
    return cameras


@pytest.fixture
def gige_camera(gige_cameras: Any) -> Iterator[Any]:
    """A camera that has not been started."""
    camera = gige_cameras.GigeCamera()
    yield camera
    camera.kill()


@pytest.fixture(scope="session")
def watched_lines() -> Any:
    """The module of a run that is watched, which the benchmarks use, too."""
    return importlib.import_module("bench.chaos_line")


@pytest.fixture(scope="session")
def gst_python(rtsp_cameras: Any) -> str:
    """A Python with GStreamer's RTSP server, this one or the system's."""
    python: str | None = rtsp_cameras.python_with_gstreamer()
    if python is not None:
        return python
    if os.environ.get("CI"):
        pytest.fail(rtsp_cameras.NEEDED)
    pytest.skip(rtsp_cameras.NEEDED)


@pytest.fixture
def rtsp_camera(rtsp_cameras: Any, gst_python: str) -> Iterator[Any]:
    """A camera that has not been started."""
    camera = rtsp_cameras.RtspCamera(gst_python)
    yield camera
    camera.kill()
