"""Bundles: one ``.hsi`` file, a zip of graphs, golden pictures and the contract that names them."""

import hashlib
import os
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from importlib import resources
from pathlib import Path

from hsi.runtime.errors import BundleError, OutputError
from hsi.runtime.frame import Image
from hsi.runtime.manifest import Manifest, Part, Variant
from hsi.runtime.picture import picture_from_bytes

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
            self._check_listed(archive, part)
            try:
                data = archive.read(name)
            except DAMAGE as error:
                raise self._changed(name) from error
        if len(data) != part.bytes or hashlib.sha256(data).hexdigest() != part.sha256:
            raise self._changed(name)
        return data

    def read_picture(self, name: str) -> Image:
        """A golden picture, `(H, W, 3) uint8 BGR`.

        Raises:
            BundleError: The part is changed or no picture.
        """
        picture = picture_from_bytes(self.read(name))
        if picture is None:
            raise BundleError(
                f"{self.path}: expected {name} to be a picture, found something else: "
                "export the bundle again"
            )
        return picture

    def select(self, variant: Variant) -> None:
        """Run a variant from now on: its graph as the stylizer, its golden pictures to test with.

        Raises:
            BundleError: The variant is none of this bundle's.
        """
        if variant not in self.manifest.variants:
            raise BundleError(
                f"{self.path}: expected a variant of this bundle, found {variant.graph.part}: take "
                "one of manifest.variants"
            )
        graph, golden = variant.graph, variant.golden
        self.manifest = replace(self.manifest, stylizer=graph, golden=golden)

    def restrict(self, precision: str) -> None:
        """Run one precision from now on and no other, whatever an engine would choose.

        Raises:
            BundleError: The bundle has none of it that passed its gate.
        """
        base = self.manifest.stylizer.precision
        if precision != base:
            variant = self.manifest.variant(precision)
            if variant is None:
                passed = [v.graph.precision for v in self.manifest.variants if v.passed]
                raise BundleError(
                    f"{self.path}: expected a stylizer at {precision}, found "
                    f"{', '.join([base, *passed])}: export it with --precision {precision}"
                )
            self.select(variant)
        self.manifest = replace(self.manifest, variants=())

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

    def _manifest(self, archive: zipfile.ZipFile) -> Manifest:
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
            text = archive.read(MANIFEST)
        except DAMAGE as error:
            raise self._changed(MANIFEST) from error
        try:
            return Manifest.from_json(text)
        except BundleError as error:
            raise BundleError(f"{self.path}: {error}") from error

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


def write_bundle(path: Path, manifest: Manifest, parts: Mapping[str, bytes]) -> None:
    """Write a bundle beside ``path``, then rename it into place.

    Args:
        path: The ``.hsi`` file.
        manifest: Its contract; ``parts`` must be what it lists.
        parts: Bytes by name.

    Raises:
        OutputError: The file cannot be written; nothing is left behind, and what stood at ``path``
            stands there still.
    """
    with _beside(path) as beside, zipfile.ZipFile(beside, "w") as archive:
        for name, data in {MANIFEST: manifest.to_json().encode(), **parts}.items():
            # Always of 1980: the same parts give the same file, and zip knows no 1970, where
            # a device without a clock lives.
            listed = zipfile.ZipInfo(name)
            listed.external_attr = 0o644 << 16
            archive.writestr(listed, data, zipfile.ZIP_DEFLATED, compresslevel=6)


def write_text(path: Path, text: str) -> None:
    """Write a report beside ``path``, then rename it into place.

    Raises:
        OutputError: As :func:`write_bundle`.
    """
    with _beside(path) as beside:
        beside.write_text(text, encoding="utf-8")


@contextmanager
def _beside(path: Path) -> Iterator[Path]:
    """A file to write that takes the place of ``path`` once it is whole, or leaves nothing."""
    beside = path.with_name(f".{path.name}.part")
    try:
        yield beside
        os.replace(beside, path)
    except BaseException as error:
        with suppress(OSError):
            beside.unlink()
        if isinstance(error, OSError):
            raise OutputError(
                f"{path}: cannot be written: {error.strerror or error}: "
                "check the folder, its permissions and the space left"
            ) from error
        raise


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
