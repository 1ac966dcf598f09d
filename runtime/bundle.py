"""Bundles: one ``.hsi`` file, a zip of graphs, golden pictures and the contract that names them."""

import hashlib
import os
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import resources
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from hsi.runtime.errors import BundleError, OutputError
from hsi.runtime.manifest import Manifest, Part

MANIFEST = "manifest.json"
MAX_MANIFEST_BYTES = 4 << 20
MAX_PART_BYTES = 1 << 30


class Bundle:
    """An opened bundle: a manifest, and parts whose hashes are checked as they are read.

    Args:
        path: A ``.hsi`` file.

    Raises:
        BundleError: The file is missing, no bundle, damaged, incomplete, unsafe or too new.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        with self._opened() as archive:
            self.manifest = self._manifest(archive)
            for part in self.manifest.parts:
                self._check_listed(archive, part)

    def read(self, name: str) -> bytes:
        """The bytes of a part, checked against its hash.

        Raises:
            BundleError: The bytes are not those the bundle was written with.
        """
        part = self.manifest.part(name)
        with self._opened() as archive:
            try:
                data = archive.read(name)
            except (zipfile.BadZipFile, OSError, EOFError, ValueError) as error:
                raise self._changed(name) from error
        if len(data) != part.bytes or hashlib.sha256(data).hexdigest() != part.sha256:
            raise self._changed(name)
        return data

    def read_picture(self, name: str) -> npt.NDArray[np.uint8]:
        """A golden picture, `(H, W, 3) uint8 BGR`.

        Raises:
            BundleError: The part is changed or no picture.
        """
        picture = cv2.imdecode(np.frombuffer(self.read(name), np.uint8), cv2.IMREAD_COLOR)
        if picture is None:
            raise BundleError(f"{self.path}: expected {name} to be a picture, found something else")
        return picture.astype(np.uint8, copy=False)

    def verify(self) -> None:
        """Read every part once.

        Raises:
            BundleError: A part is changed.
        """
        for part in self.manifest.parts:
            self.read(part.name)

    @contextmanager
    def _opened(self) -> Iterator[zipfile.ZipFile]:
        if not self.path.is_file():
            raise BundleError(f"{self.path}: expected a bundle, found no such file")
        try:
            with zipfile.ZipFile(self.path) as archive:
                yield archive
        except zipfile.BadZipFile as error:
            raise BundleError(
                f"{self.path}: expected a bundle, found a file that is none or is cut short: "
                "export it again"
            ) from error
        except PermissionError as error:
            raise BundleError(f"{self.path}: expected a readable bundle, found no permission") from error

    def _manifest(self, archive: zipfile.ZipFile) -> Manifest:
        try:
            if archive.getinfo(MANIFEST).file_size > MAX_MANIFEST_BYTES:
                raise BundleError(f"{self.path}: expected a small {MANIFEST}, found a huge one")
            text = archive.read(MANIFEST)
        except KeyError as error:
            raise BundleError(f"{self.path}: expected {MANIFEST} inside, found none: not a bundle") from error
        try:
            return Manifest.from_json(text)
        except BundleError as error:
            raise BundleError(f"{self.path}: {error}") from error

    def _check_listed(self, archive: zipfile.ZipFile, part: Part) -> None:
        try:
            size = archive.getinfo(part.name).file_size
        except KeyError as error:
            raise BundleError(
                f"{self.path}: expected part {part.name}, found it missing: export it again"
            ) from error
        if size != part.bytes or size > MAX_PART_BYTES:
            raise self._changed(part.name)

    def _changed(self, name: str) -> BundleError:
        return BundleError(
            f"{self.path}: part {name} is not the one this bundle was written with (its size or "
            "SHA-256 differs): copy or export the bundle again"
        )


def write_bundle(path: Path, manifest: Manifest, parts: Mapping[str, bytes]) -> None:
    """Write a bundle beside ``path``, then rename it into place.

    Args:
        path: The ``.hsi`` file.
        manifest: Its contract; ``parts`` must be what it lists.
        parts: Bytes by name.

    Raises:
        OutputError: The file cannot be written; nothing is left behind.
    """
    beside = path.with_name(f".{path.name}.part")
    try:
        with zipfile.ZipFile(beside, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
            archive.writestr(MANIFEST, manifest.to_json())
            for name, data in parts.items():
                archive.writestr(name, data)
        os.replace(beside, path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise OutputError(f"{path}: cannot be written: {error.strerror}") from error


def part_of(name: str, data: bytes) -> Part:
    """The manifest's entry for some bytes."""
    return Part(name=name, bytes=len(data), sha256=hashlib.sha256(data).hexdigest())


def shipped_bundle() -> Path:
    """The bundle that travels with the package.

    Raises:
        BundleError: This installation has none.
    """
    path = Path(str(resources.files("hsi.runtime"))) / "data" / "hsi-edge.hsi"
    if not path.is_file():
        raise BundleError("the shipped bundle is missing from this installation: pass --model FILE")
    return path
