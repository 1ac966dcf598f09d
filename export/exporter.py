"""From a checkpoint to a bundle that has been measured."""

import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from importlib import metadata, resources
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from hsi.export import contract
from hsi.export.onnx_writer import style_encoder_onnx, stylizer_onnx
from hsi.export.parity import SIZES, Comparison, OnnxPair, compare, resized, torch_stylise
from hsi.export.receptive_field import receptive_field
from hsi.model.checkpoint import Checkpoint, load_checkpoint
from hsi.runtime.bundle import part_of, write_bundle
from hsi.runtime.errors import OptionError, OutputError, QualityError, SourceError
from hsi.runtime.manifest import Manifest
from hsi.runtime.styles import DEFAULT_STYLE, shipped_styles

log = logging.getLogger(__name__)

Image = npt.NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True)
class ExportOptions:
    """One export."""

    model: Path  # checkpoint
    out: Path  # bundle, ending in .hsi
    frame: Path | None = None  # picture for the parity check; None for the shipped photograph
    style: Path | None = None  # likewise
    force: bool = False  # overwrite
    dry_run: bool = False  # check everything, write nothing

    def __post_init__(self) -> None:
        if self.out.suffix != ".hsi":
            raise OptionError(f"the bundle must end in .hsi, got {self.out.name}")
        if self.out.exists() and not self.force:
            raise OptionError(f"{self.out} exists: pass --force to replace it")
        if not self.out.parent.is_dir():
            raise OutputError(f"{self.out}: expected folder {self.out.parent}, found none: make it")


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
        QualityError: A graph breaks a rule of the engines.
        OutputError: The bundle cannot be written.
    """
    on_step(f"reading {options.model.name}")
    checkpoint = load_checkpoint(options.model)
    frame, style = _pictures(options)
    on_step("style encoder to ONNX")
    style_encoder = style_encoder_onnx(checkpoint.network)
    on_step("stylizer to ONNX")
    stylizer = stylizer_onnx(checkpoint.network)
    on_step("receptive field")
    field = receptive_field(checkpoint.network)
    graphs = OnnxPair(style_encoder, stylizer)
    rows = []
    for size in SIZES:
        on_step(f"torch against ONNX Runtime at {size[0]}x{size[1]}")
        rows.append(compare(checkpoint.network, graphs, resized(frame, size), style))
    parts = {contract.STYLE_ENCODER: style_encoder, contract.STYLIZER: stylizer}
    parts |= _golden(checkpoint, frame, style)
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


def _pictures(options: ExportOptions) -> tuple[Image, Image]:
    shipped = Path(str(resources.files("hsi.export"))) / "data" / "frame.jpg"
    frame = _picture(options.frame or shipped)
    style = _picture(options.style or shipped_styles()[DEFAULT_STYLE])
    return frame, resized(style, (256, 256))


def _picture(path: Path) -> Image:
    data = path.read_bytes() if path.is_file() else b""
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if data else None
    if picture is None:
        raise SourceError(f"{path}: expected a picture (JPEG, PNG, ...), found none")
    return picture.astype(np.uint8, copy=False)


def _golden(checkpoint: Checkpoint, frame: Image, style: Image) -> dict[str, bytes]:
    """Small pictures for the self-test, their result by torch."""
    frame, style = resized(frame, (156, 118)), resized(style, (128, 128))
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
