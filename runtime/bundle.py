"""Bundles: one ``.hsi`` file, a zip of graphs, golden pictures and the contract that names them."""

import hashlib
import os
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Protocol

from hsi.runtime.archive import MANIFEST, Archive
from hsi.runtime.errors import BundleError, OutputError
from hsi.runtime.frame import Image
from hsi.runtime.manifest import Manifest, Part, Variant
from hsi.runtime.picture import picture_from_bytes


class Bundle(Archive[Manifest]):
    """An opened bundle: a manifest, and parts whose hashes are checked as they are read.

    Args:
        path: A ``.hsi`` file.

    Raises:
        BundleError: The file is missing, no bundle, damaged, incomplete, unsafe or too new.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        super().__init__(path, Manifest.from_json)

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
        self.manifest = replace(self.manifest, stylizer=graph, golden=golden, cpu_stylizer="")

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


class Contract(Protocol):
    """A manifest of any kind of bundle."""

    def to_json(self) -> str:
        """The text of ``manifest.json``."""
        ...


def write_bundle(
    path: Path,
    manifest: Contract,
    parts: Mapping[str, bytes],
    *,
    packing: int = zipfile.ZIP_DEFLATED,
) -> None:
    """Write a bundle beside ``path``, then rename it into place.

    Args:
        path: The ``.hsi`` file.
        manifest: Its contract; ``parts`` must be what it lists.
        parts: Bytes by name.
        packing: Of the zip; stored, where gigabytes of weights would not get smaller.

    Raises:
        OutputError: The file cannot be written; nothing is left behind, and what stood at ``path``
            stands there still.
    """
    with written_beside(path) as beside, zipfile.ZipFile(beside, "w") as archive:
        for name, data in {MANIFEST: manifest.to_json().encode(), **parts}.items():
            # Always of 1980: the same parts give the same file, and zip knows no 1970, where
            # a device without a clock lives.
            listed = zipfile.ZipInfo(name)
            listed.external_attr = 0o644 << 16
            archive.writestr(listed, data, packing, compresslevel=6)


def write_text(path: Path, text: str) -> None:
    """Write a report beside ``path``, then rename it into place.

    Raises:
        OutputError: As :func:`write_bundle`.
    """
    with written_beside(path) as beside:
        beside.write_text(text, encoding="utf-8")


@contextmanager
def written_beside(path: Path) -> Iterator[Path]:
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
