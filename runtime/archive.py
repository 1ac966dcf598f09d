"""The zip around every kind of bundle: parts that are read by name and checked by hash."""

import hashlib
import os
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from hsi.runtime.errors import BundleError
from hsi.runtime.manifest import Part

MANIFEST = "manifest.json"
MAX_MANIFEST_BYTES = 4 << 20
PACKINGS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
# What zipfile lets through over damaged files; NotImplementedError is a RuntimeError.
DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    OSError,
    OverflowError,
    RuntimeError,
    ValueError,
)


class Listing(Protocol):
    """What an archive needs of a manifest."""

    @property
    def parts(self) -> tuple[Part, ...]:
        """Everything in the archive but the manifest."""
        ...

    def part(self, name: str) -> Part:
        """The part of that name."""
        ...


AnyManifest = TypeVar("AnyManifest", bound=Listing)


class Archive(Generic[AnyManifest]):
    """An opened bundle of some kind: a manifest, and parts whose hashes are checked when read.

    Args:
        path: A ``.hsi`` file.
        from_json: Makes the manifest of its text.

    Raises:
        BundleError: The file is missing, no bundle, damaged, incomplete, unsafe or too new.
    """

    def __init__(
        self, path: str | os.PathLike[str], from_json: Callable[[bytes], AnyManifest]
    ) -> None:
        self.path = Path(path)
        with self._opened() as archive:
            text = self._manifest_text(archive)
            try:
                self.manifest = from_json(text)
            except BundleError as error:
                raise BundleError(f"{self.path}: {error}") from error
            for part in self.manifest.parts:
                self._check_listed(archive, part)

    def read(self, name: str) -> bytes:
        """The bytes of a part, checked against its hash.

        Raises:
            BundleError: The bytes are not those the bundle was written with.
        """
        part = self.manifest.part(name)
        with self._opened() as archive:
            self._check_listed(archive, part)
            try:
                data = archive.read(name)
            except DAMAGE as error:
                raise self._changed(name) from error
        if len(data) != part.bytes or hashlib.sha256(data).hexdigest() != part.sha256:
            raise self._changed(name)
        return data

    def verify(self) -> None:
        """Read every part once.

        Raises:
            BundleError: A part is changed.
        """
        for part in self.manifest.parts:
            self.read(part.name)

    @contextmanager
    def _opened(self) -> Iterator[zipfile.ZipFile]:
        if os.path.exists(self.path) and not os.path.isfile(self.path):
            raise BundleError(f"{self.path}: expected a bundle, found a folder: check the path")
        try:
            archive = zipfile.ZipFile(self.path)
        except FileNotFoundError as error:
            raise BundleError(
                f"{self.path}: expected a bundle, found no such file: check the path"
            ) from error
        except PermissionError as error:
            raise BundleError(
                f"{self.path}: expected a readable bundle, found no permission to read it"
            ) from error
        except DAMAGE as error:
            raise BundleError(
                f"{self.path}: expected a bundle, found a file that is none or is cut short: "
                "copy or export it again"
            ) from error
        with archive:
            yield archive

    def _manifest_text(self, archive: zipfile.ZipFile) -> bytes:
        try:
            found = archive.getinfo(MANIFEST)
        except KeyError as error:
            raise BundleError(
                f"{self.path}: expected {MANIFEST} inside, found none: this is not a bundle"
            ) from error
        if found.file_size > MAX_MANIFEST_BYTES:
            raise BundleError(
                f"{self.path}: expected {MANIFEST} of at most {MAX_MANIFEST_BYTES} bytes, found "
                f"{found.file_size}: do not use this file"
            )
        if found.compress_type not in PACKINGS:
            raise self._changed(MANIFEST)
        try:
            return archive.read(MANIFEST)
        except DAMAGE as error:
            raise self._changed(MANIFEST) from error

    def _check_listed(self, archive: zipfile.ZipFile, part: Part) -> None:
        try:
            found = archive.getinfo(part.name)
        except KeyError as error:
            raise BundleError(
                f"{self.path}: expected part {part.name}, found it missing: "
                "copy or export the bundle again"
            ) from error
        # The manifest bounds the sizes, so this keeps bombs from being unpacked.
        if found.file_size != part.bytes or found.compress_type not in PACKINGS:
            raise self._changed(part.name)

    def _changed(self, name: str) -> BundleError:
        return BundleError(
            f"{self.path}: {name} is not the one this bundle was written with (its size, packing "
            "or SHA-256 differs): copy or export the bundle again"
        )
