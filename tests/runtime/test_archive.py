"""Bundles as files that may be damaged or made to do harm."""

from __future__ import annotations

import os
import random
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hsi.runtime.bundle import Bundle, write_bundle
from hsi.runtime.errors import BundleError

Repack = Callable[..., Path]
PARTS = [
    "style_encoder.onnx",
    "stylizer.onnx",
    "golden/frame.png",
    "golden/style.png",
    "golden/stylised.png",
]
BOMB = b"\0" * 50_000_000


def test_files_that_the_manifest_does_not_list_are_left_alone(
    small_bundle: Path, tmp_path: Path, repack: Repack
) -> None:
    path = repack(small_bundle, tmp_path / "more.hsi", parts={"../evil": b"x"})
    Bundle(path).verify()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["more.hsi", "small.hsi"]


@pytest.mark.parametrize("name", PARTS)
def test_a_changed_byte_in_a_part(
    small_bundle: Path, small_parts: dict[str, bytes], tmp_path: Path, repack: Repack, name: str
) -> None:
    data = bytearray(small_parts[name])
    data[5] ^= 1
    path = repack(small_bundle, tmp_path / "bad.hsi", parts={name: bytes(data)})
    with pytest.raises(BundleError, match=rf"bad\.hsi: {name} is not the one .* SHA-256 differs"):
        Bundle(path).verify()


@pytest.mark.parametrize("name", PARTS)
def test_a_part_of_another_size(
    small_bundle: Path, tmp_path: Path, repack: Repack, name: str
) -> None:
    path = repack(small_bundle, tmp_path / "bad.hsi", parts={name: b"short"})
    with pytest.raises(BundleError, match=rf"bad\.hsi: {name} is not the one this bundle was"):
        Bundle(path)


@pytest.mark.parametrize("name", PARTS)
def test_a_missing_part(small_bundle: Path, tmp_path: Path, repack: Repack, name: str) -> None:
    path = repack(small_bundle, tmp_path / "bad.hsi", parts={name: None})
    with pytest.raises(BundleError, match=f"expected part {name}, found it missing: copy or exp"):
        Bundle(path)


@pytest.mark.parametrize("name", ["../evil", "/tmp/evil", "a\\evil"])
def test_a_part_that_leaves_the_bundle(
    small_bundle: Path, tmp_path: Path, repack: Repack, name: str
) -> None:
    path = repack(small_bundle, tmp_path / "bad.hsi", parts={name: b"x"}, rehash=True)
    with pytest.raises(BundleError, match="leaves the bundle: expected a plain relative name"):
        Bundle(path)
    assert not (tmp_path.parent / "evil").exists()


def test_a_newer_format(small_bundle: Path, tmp_path: Path, repack: Repack) -> None:
    path = repack(small_bundle, tmp_path / "new.hsi", edit=lambda values: values.update(version=2))
    with pytest.raises(BundleError, match=r"new\.hsi: bundle format version 2 found, expected 1"):
        Bundle(path)


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b"", "expected a bundle, found a file that is none or is cut short"),
        (b"dear diary\n" * 99, "expected a bundle, found a file that is none or is cut short"),
        (b"PK\x03\x04" + bytes(60), "expected a bundle, found a file that is none or is cut"),
    ],
)
def test_a_file_that_is_no_bundle(tmp_path: Path, content: bytes, match: str) -> None:
    (tmp_path / "bad.hsi").write_bytes(content)
    with pytest.raises(BundleError, match=match):
        Bundle(tmp_path / "bad.hsi")


def test_a_zip_that_is_no_bundle(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "bad.hsi", "w") as archive:
        archive.writestr("readme.txt", "hello")
    with pytest.raises(BundleError, match=r"expected manifest\.json inside, found none"):
        Bundle(tmp_path / "bad.hsi")


def test_a_folder_and_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="expected a bundle, found a folder: check the path"):
        Bundle(tmp_path)
    with pytest.raises(BundleError, match="expected a bundle, found no such file: check the path"):
        Bundle(tmp_path / "gone.hsi")


def test_a_bundle_without_permission(small_bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*words: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("hsi.runtime.bundle.zipfile.ZipFile", refuse)
    with pytest.raises(BundleError, match="expected a readable bundle, found no permission"):
        Bundle(small_bundle)


def test_a_bundle_cut_short_anywhere(small_bundle: Path, tmp_path: Path) -> None:
    whole = small_bundle.read_bytes()
    path = tmp_path / "bad.hsi"
    for length in range(0, len(whole), 61):
        path.write_bytes(whole[:length])
        with pytest.raises(BundleError):
            Bundle(path).verify()


def test_a_flipped_bit_anywhere_is_harmless_or_an_error_of_ours(
    shipped: Path, small_parts: dict[str, bytes], small_bundle: Path, tmp_path: Path
) -> None:
    packed = tmp_path / "packed.hsi"
    write_bundle(packed, Bundle(small_bundle).manifest, small_parts)  # deflated, as exports are
    whole, path, refused = packed.read_bytes(), tmp_path / "bad.hsi", 0
    dice = random.Random(0)
    for place in dice.sample(range(len(whole)), 700):
        changed = bytearray(whole)
        changed[place] ^= 1 << dice.randrange(8)
        path.write_bytes(changed)
        try:
            bundle = Bundle(path)
            assert {name: bundle.read(name) for name in PARTS} == small_parts
        except BundleError as error:
            assert "\n" not in str(error)
            refused += 1
    assert refused > 300


def test_a_bomb_is_not_unpacked(
    small_bundle: Path, tmp_path: Path, repack: Repack, monkeypatch: pytest.MonkeyPatch
) -> None:
    with zipfile.ZipFile(small_bundle) as archive:
        manifest = archive.read("manifest.json")
    with zipfile.ZipFile(tmp_path / "bomb.hsi", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("manifest.json", manifest)
        for name in PARTS:
            archive.writestr(name, BOMB)
    read = zipfile.ZipFile.read

    def only_manifest(self: zipfile.ZipFile, name: str) -> bytes:
        assert name == "manifest.json"
        return read(self, name)

    monkeypatch.setattr(zipfile.ZipFile, "read", only_manifest)
    with pytest.raises(BundleError, match=r"style_encoder\.onnx is not the one this bundle was"):
        Bundle(tmp_path / "bomb.hsi")


def test_a_bomb_that_admits_its_size(small_bundle: Path, tmp_path: Path, repack: Repack) -> None:
    def boast(values: dict[str, Any]) -> None:
        values["parts"][0]["bytes"] = 1 << 40

    path = repack(small_bundle, tmp_path / "bomb.hsi", edit=boast)
    with pytest.raises(BundleError, match=r"found 5 and 1099511\d+: do not use this file"):
        Bundle(path)


def test_a_huge_manifest_is_not_read(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "bad.hsi", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("manifest.json", BOMB)
    with pytest.raises(BundleError, match=r"manifest\.json of at most 4194304 bytes, found 500000"):
        Bundle(tmp_path / "bad.hsi")


@pytest.mark.parametrize("packing", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_part_in_another_packing(
    small_bundle: Path, small_parts: dict[str, bytes], tmp_path: Path, packing: int
) -> None:
    with zipfile.ZipFile(small_bundle) as archive:
        manifest = archive.read("manifest.json")
    with zipfile.ZipFile(tmp_path / "bad.hsi", "w") as archive:
        archive.writestr("manifest.json", manifest)
        for name, data in small_parts.items():
            archive.writestr(name, data, packing)
    with pytest.raises(BundleError, match=r"style_encoder\.onnx is not the one this bundle was"):
        Bundle(tmp_path / "bad.hsi")


def test_an_encrypted_part(small_bundle: Path, tmp_path: Path) -> None:
    whole = bytearray(small_bundle.read_bytes())
    for start, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = whole.find(start)
        while place >= 0:
            whole[place + flags] |= 1
            place = whole.find(start, place + 1)
    (tmp_path / "bad.hsi").write_bytes(whole)
    with pytest.raises(BundleError, match=r"manifest\.json is not the one this bundle was written"):
        Bundle(tmp_path / "bad.hsi")


def test_a_bundle_swapped_for_another_while_open(
    small_bundle: Path, tmp_path: Path, repack: Repack
) -> None:
    bundle = Bundle(small_bundle)
    other = repack(small_bundle, tmp_path / "b.hsi", parts={"stylizer.onnx": b"S" * 56})
    os.replace(other, small_bundle)
    with pytest.raises(BundleError, match=r"stylizer\.onnx is not the one"):
        bundle.read("stylizer.onnx")
    small_bundle.unlink()
    with pytest.raises(BundleError, match="found no such file"):
        bundle.read("stylizer.onnx")
