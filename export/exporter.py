"""From a checkpoint to a bundle that has been measured."""

import json
import logging
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from importlib import metadata, resources
from pathlib import Path
from typing import Any

import cv2

from hsi.export import contract
from hsi.export.onnx_writer import MIN_SIDE, style_encoder_onnx, stylizer_onnx
from hsi.export.parity import SIZES, Comparison, OnnxPair, compare, resized, torch_stylise
from hsi.export.receptive_field import receptive_field
from hsi.model.checkpoint import Checkpoint, load_checkpoint
from hsi.runtime.bundle import part_of, write_bundle
from hsi.runtime.errors import OptionError, OutputError, QualityError, SourceError
from hsi.runtime.frame import Image
from hsi.runtime.manifest import Manifest
from hsi.runtime.picture import picture_from_bytes
from hsi.runtime.styles import DEFAULT_STYLE, shipped_styles

log = logging.getLogger(__name__)

# Width and height in pixels.
STYLE_SIZE = (256, 256)
GOLDEN_FRAME_SIZE = (156, 118)  # no multiples of the stride
GOLDEN_STYLE_SIZE = (128, 128)


@dataclass(frozen=True, kw_only=True)
class ExportOptions:
    """One export."""

    model: Path  # checkpoint
    out: Path  # bundle, ending in .hsi
    frame: Path | None = None  # picture for the parity check; None for the shipped photograph
    style: Path | None = None  # likewise
    sizes: tuple[tuple[int, int], ...] = SIZES  # width and height of the frames compared
    force: bool = False  # overwrite
    dry_run: bool = False  # check everything, write nothing

    def __post_init__(self) -> None:
        if self.out.suffix != ".hsi":
            raise OptionError(f"the bundle must end in .hsi, got {self.out.name!r}")
        if not self.sizes or any(min(size) < MIN_SIDE for size in self.sizes):
            raise OptionError(f"sizes must have sides from {MIN_SIDE} pixels, got {self.sizes}")
        if self.out.is_dir():
            raise OptionError(f"{self.out} is a folder: give the name of a file")
        if self.out.exists() and not self.force:
            raise OptionError(f"{self.out} exists: pass --force to replace it")
        folder = self.out.parent
        if not folder.is_dir():
            raise OutputError(f"{self.out}: expected folder {folder}, found none: make it")
        if not os.access(folder, os.W_OK):
            raise OutputError(f"{self.out}: expected to write to {folder}, found no permission")


@dataclass(frozen=True, kw_only=True)
class ExportReport:
    """What an export made and how well it agrees with torch."""

    out: str
    bytes: int
    written: bool
    receptive_field: int  # pixels
    comparisons: tuple[Comparison, ...]

    @property
    def agrees(self) -> bool:
        """Whether every comparison does."""
        return all(c.agrees for c in self.comparisons)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        rows = [{**asdict(c), "agrees": c.agrees} for c in self.comparisons]
        return {**asdict(self), "comparisons": rows, "agrees": self.agrees}


def export(options: ExportOptions, on_step: Callable[[str], None] = log.info) -> ExportReport:
    """Export a checkpoint and compare the result with torch; write it only if they agree.

    Args:
        options: What and where.
        on_step: Told the name of each step as it starts.

    Returns:
        The report; ``written`` is False after a dry run or a disagreement.

    Raises:
        SourceError: The checkpoint or a picture cannot be read.
        QualityError: A graph breaks a rule of the engines, or the network gives no numbers.
        EngineError: ONNX Runtime does not take a graph.
        OutputError: The bundle cannot be written.
    """
    on_step(f"reading {options.model.name}")
    checkpoint = load_checkpoint(options.model)
    _check_provenance(options.model, checkpoint)
    frame = _picture(options.frame or _shipped_frame())
    style = resized(_picture(options.style or _shipped_style()), STYLE_SIZE)
    golden = _golden(checkpoint)  # shows first whether the network gives numbers at all
    on_step("style encoder to ONNX")
    style_encoder = style_encoder_onnx(checkpoint.network)
    on_step("stylizer to ONNX")
    stylizer = stylizer_onnx(checkpoint.network)
    on_step("receptive field")
    field = receptive_field(checkpoint.network)
    graphs = OnnxPair(style_encoder, stylizer)
    rows = []
    for size in options.sizes:
        on_step(f"torch against ONNX Runtime at {size[0]}x{size[1]}")
        rows.append(compare(checkpoint.network, graphs, resized(frame, size), style))
    parts = {contract.STYLE_ENCODER: style_encoder, contract.STYLIZER: stylizer}
    parts |= golden
    manifest = _manifest(checkpoint, parts, field)
    report = ExportReport(
        out=str(options.out),
        bytes=sum(map(len, parts.values())),
        written=all(row.agrees for row in rows) and not options.dry_run,
        receptive_field=field,
        comparisons=tuple(rows),
    )
    if report.written:
        on_step(f"writing {options.out}")
        write_bundle(options.out, manifest, parts)
    return report


def _check_provenance(path: Path, checkpoint: Checkpoint) -> None:
    try:
        json.dumps(checkpoint.provenance, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise SourceError(
            f"{path}: expected a provenance of plain values, found others: {error}: save the "
            "checkpoint without them"
        ) from error


def _shipped_frame() -> Path:
    return Path(str(resources.files("hsi.export"))) / "data" / "frame.jpg"


def _shipped_style() -> Path:
    return shipped_styles()[DEFAULT_STYLE]


def _picture(path: Path) -> Image:
    try:
        picture = picture_from_bytes(path.read_bytes())
    except OSError as error:
        raise SourceError(f"{path}: expected a picture, found: {error.strerror}") from error
    if picture is None:
        raise SourceError(f"{path}: expected a picture (JPEG, PNG, ...), found none in the file")
    return picture


def _golden(checkpoint: Checkpoint) -> dict[str, bytes]:
    """Small pictures for the self-test, their result by torch.

    Always the shipped ones: a user's own pictures do not travel in a bundle unasked.
    """
    frame = resized(_picture(_shipped_frame()), GOLDEN_FRAME_SIZE)
    style = resized(_picture(_shipped_style()), GOLDEN_STYLE_SIZE)
    pictures = {
        contract.GOLDEN_FRAME: frame,
        contract.GOLDEN_STYLE: style,
        contract.GOLDEN_STYLISED: torch_stylise(checkpoint.network, frame, style),
    }
    return {name: _png(picture) for name, picture in pictures.items()}


def _png(picture: Image) -> bytes:
    good, data = cv2.imencode(".png", picture)
    if not good:
        raise QualityError("golden picture: expected a PNG, found OpenCV without an encoder for it")
    return data.tobytes()


def _manifest(checkpoint: Checkpoint, parts: dict[str, bytes], field: int) -> Manifest:
    listed = tuple(part_of(name, data) for name, data in parts.items())
    packages = ("hsi-edge", "torch", "onnx", "onnxruntime")
    return contract.manifest_of(
        checkpoint,
        listed,
        receptive_field=field,
        generator={name: _version(name) for name in packages},
        created=datetime.now(timezone.utc).isoformat(timespec="seconds"),
    )


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"
