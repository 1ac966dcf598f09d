from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hsi.runtime.bundle import Bundle, part_of, shipped_bundle, write_bundle
from hsi.runtime.errors import BundleError, OutputError
from hsi.runtime.manifest import Manifest

Repack = Callable[..., Path]


def test_parts_read_as_they_were_written(small_bundle: Path, small_parts: dict[str, bytes]) -> None:
    bundle = Bundle(small_bundle)
    bundle.verify()
    assert {name: bundle.read(name) for name in small_parts} == small_parts


def test_a_golden_picture_is_decoded(small_bundle: Path) -> None:
    picture = Bundle(small_bundle).read_picture("golden/frame.png")
    assert picture.dtype == np.uint8
    assert (picture.shape, picture.max()) == ((8, 12, 3), 90)


def test_the_shipped_bundle_is_whole() -> None:
    bundle = Bundle(shipped_bundle())
    bundle.verify()
    assert bundle.manifest.preset == "hsi-edge"


def test_a_golden_picture_that_is_none(small_bundle: Path, tmp_path: Path, repack: Repack) -> None:
    parts = {"golden/frame.png": b"no picture"}
    path = repack(small_bundle, tmp_path / "bad.hsi", parts=parts, rehash=True)
    with pytest.raises(BundleError, match=r"expected golden/frame\.png to be a picture"):
        Bundle(path).read_picture("golden/frame.png")


@pytest.fixture
def manifest(small_values: dict[str, Any]) -> Manifest:
    return Manifest.from_json(json.dumps(small_values))


def test_a_written_bundle_reads_back(
    tmp_path: Path, manifest: Manifest, small_parts: dict[str, bytes]
) -> None:
    write_bundle(tmp_path / "new.hsi", manifest, small_parts)
    bundle = Bundle(tmp_path / "new.hsi")
    bundle.verify()
    assert bundle.manifest == manifest
    assert {name: bundle.read(name) for name in small_parts} == small_parts
    assert [p.name for p in tmp_path.iterdir()] == ["new.hsi"]


def test_the_same_parts_make_the_same_file(
    tmp_path: Path, manifest: Manifest, small_parts: dict[str, bytes]
) -> None:
    for name in ("a.hsi", "b.hsi"):
        write_bundle(tmp_path / name, manifest, small_parts)
    assert (tmp_path / "a.hsi").read_bytes() == (tmp_path / "b.hsi").read_bytes()


def test_the_manifest_lists_size_and_hash_of_a_part() -> None:
    part = part_of("a.bin", b"abc")
    assert (part.bytes, part.sha256[:8]) == (3, "ba7816bf")


@pytest.mark.parametrize("fault", [OSError(5, "Input/output error"), KeyboardInterrupt()])
def test_a_fault_while_writing_leaves_what_was_there(
    tmp_path: Path,
    manifest: Manifest,
    small_parts: dict[str, bytes],
    monkeypatch: pytest.MonkeyPatch,
    fault: BaseException,
) -> None:
    path = tmp_path / "old.hsi"
    path.write_bytes(b"old")

    def fail(*words: Any) -> None:
        raise fault

    monkeypatch.setattr("hsi.runtime.bundle.os.replace", fail)
    expected = OutputError if isinstance(fault, OSError) else KeyboardInterrupt
    with pytest.raises(expected, match=r"old\.hsi: cannot be written: Input/output|^$"):
        write_bundle(path, manifest, small_parts)
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["old.hsi"]


@pytest.mark.parametrize("where", ["gone/new.hsi", "file/new.hsi", "/proc/new.hsi"])
def test_a_place_that_cannot_be_written(
    tmp_path: Path, manifest: Manifest, small_parts: dict[str, bytes], where: str
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match=r"new\.hsi: cannot be written: .*: check the folder"):
        write_bundle(tmp_path / where, manifest, small_parts)
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_a_full_disk_leaves_nothing(
    small_disk: Path, manifest: Manifest, small_parts: dict[str, bytes]
) -> None:
    noise = np.random.default_rng(0).bytes(2_000_000)
    with pytest.raises(OutputError, match=r"cannot be written: No space left on device: check"):
        write_bundle(small_disk / "new.hsi", manifest, {**small_parts, "noise": noise})
    assert list(small_disk.iterdir()) == []


def test_an_installation_without_a_bundle_says_what_to_pass(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hsi.runtime.bundle.resources.files", lambda package: tmp_path)
    with pytest.raises(BundleError, match=r"shipped bundle is missing .*: pass --model FILE"):
        shipped_bundle()
