"""From a checkpoint to a bundle that has been measured."""

import json
import logging
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timezone
from importlib import metadata, resources
from pathlib import Path
from typing import Any

import cv2
import onnx

from hsi.calibrate.calibration_set import CalibrationOptions
from hsi.calibrate.doubling import without_doubling
from hsi.calibrate.frames import shrunk
from hsi.calibrate.variants import VariantOptions
from hsi.export import contract
from hsi.export.lint import TARGETS, Lint, lint
from hsi.export.onnx_writer import MIN_SIDE, style_encoder_onnx, stylizer_onnx
from hsi.export.parity import SIZES, Comparison, OnnxPair, compare, resized, torch_stylise
from hsi.export.receptive_field import receptive_field
from hsi.export.variant_parts import VariantParts, added, make_variants
from hsi.model.checkpoint import Checkpoint, load_checkpoint
from hsi.runtime.bundle import part_of, write_bundle, write_text
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
    calibrate_on: tuple[str, ...] = ()  # sources of frames, for INT8
    variants: VariantOptions = field(default_factory=VariantOptions)  # and how good they must be
    page: Path | None = None  # HTML report of the quality gate
    target: str | None = None  # of TARGETS: hold every graph against its rules

    def __post_init__(self) -> None:
        if self.target not in (None, *TARGETS):
            raise OptionError(f"target must be one of {', '.join(TARGETS)}, got {self.target!r}")
        if self.out.suffix != ".hsi":
            raise OptionError(f"the bundle must end in .hsi, got {self.out.name!r}")
        if not self.sizes or any(min(size) < MIN_SIDE for size in self.sizes):
            raise OptionError(f"sizes must have sides from {MIN_SIDE} pixels, got {self.sizes}")
        if self.out.is_dir():
            raise OptionError(f"{self.out} is a folder: give the name of a file")
        if self.out.exists() and not self.force:
            raise OptionError(f"{self.out} exists: pass --force to replace it")
        if self.variants.precision in ("int8", "auto") and not self.calibrate_on:
            raise OptionError(
                f"precision {self.variants.precision} needs frames to calibrate on: pass --calib "
                "with a folder, clip or camera"
            )
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
    made: VariantParts = field(default_factory=VariantParts)
    must_pass: bool = True  # every variant; `auto` drops one that does not
    lints: tuple[Lint, ...] = ()  # one a graph, if a target was named

    @property
    def passed(self) -> bool:
        """Whether the variants asked for are good enough."""
        return not self.must_pass or all(result.passed for result in self.made.results)

    @property
    def fits(self) -> bool:
        """Whether every graph keeps the rules of the target."""
        return all(one.passed for one in self.lints)

    @property
    def agrees(self) -> bool:
        """Whether every comparison does."""
        return all(c.agrees for c in self.comparisons)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        rows = [{**asdict(c), "agrees": c.agrees} for c in self.comparisons]
        told = ("out", "bytes", "written", "receptive_field", "agrees", "passed", "fits")
        calibration = self.made.calibration
        return {
            **{name: getattr(self, name) for name in told},
            "comparisons": rows,
            "gate": [result.to_dict() for result in self.made.results],
            "finer_layers": {v.precision: asdict(v.finer) for v in self.made.variants},
            "trials": [asdict(trial) for trial in self.made.trials],
            "lint": [asdict(one) for one in self.lints],
            "calibration": json.loads(calibration.to_json()) if calibration else None,
        }


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
    frame = picture_at(options.frame or shipped_frame())
    style = resized(picture_at(options.style or shipped_style()), STYLE_SIZE)
    golden = _golden(checkpoint)  # shows first whether the network gives numbers at all
    on_step("style encoder to ONNX")
    style_encoder = style_encoder_onnx(checkpoint.network)
    on_step("stylizer to ONNX")
    stylizer = stylizer_onnx(checkpoint.network)
    on_step("receptive field")
    seen = receptive_field(checkpoint.network)
    parts = {contract.STYLE_ENCODER: style_encoder, contract.STYLIZER: stylizer}
    if cpu_stylizer := _for_cpus(stylizer):
        parts[contract.CPU_STYLIZER] = cpu_stylizer
    pairs = [OnnxPair(style_encoder, one) for one in (stylizer, cpu_stylizer) if one]
    rows = []
    for size in options.sizes:
        on_step(f"torch against ONNX Runtime at {size[0]}x{size[1]}")
        rows.append(compare(checkpoint.network, pairs, resized(frame, size), style))
    parts |= golden
    manifest = _manifest(checkpoint, parts, seen)
    photograph = shrunk(frame, CalibrationOptions().side)
    made = make_variants(
        parts,
        (style_encoder, stylizer),
        photograph,
        options.calibrate_on,
        options.variants,
        on_step,
    )
    manifest, parts = added(manifest, parts, made)
    report = ExportReport(
        out=str(options.out),
        bytes=sum(map(len, parts.values())),
        written=False,
        receptive_field=seen,
        comparisons=tuple(rows),
        made=made,
        must_pass=options.variants.precision != "auto",
    )
    if options.target is not None:
        on_step(f"rules of {options.target}")
        report = replace(report, lints=lint(manifest, parts))
    good = report.agrees and report.passed and report.fits
    report = replace(report, written=good and not options.dry_run)
    if options.page is not None and made.page:
        write_text(options.page, made.page)
    if report.written:
        on_step(f"writing {options.out}")
        write_bundle(options.out, manifest, parts)
    return report


def _for_cpus(stylizer: bytes) -> bytes:
    """The same in the layout in which CPUs are fast; empty where it is that already."""
    model = onnx.load_from_string(stylizer)
    folded = without_doubling(model)
    return b"" if folded is model else folded.SerializeToString()


def _check_provenance(path: Path, checkpoint: Checkpoint) -> None:
    try:
        json.dumps(checkpoint.provenance, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise SourceError(
            f"{path}: expected a provenance of plain values, found others: {error}: save the "
            "checkpoint without them"
        ) from error


def shipped_frame() -> Path:
    """A photograph to compare on."""
    return Path(str(resources.files("hsi.export"))) / "data" / "frame.jpg"


def shipped_style() -> Path:
    """A painting to compare on."""
    return shipped_styles()[DEFAULT_STYLE]


def picture_at(path: Path) -> Image:
    """A picture file, `(H, W, 3)` uint8 BGR.

    Raises:
        SourceError: It is missing or no picture.
    """
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
    frame = resized(picture_at(shipped_frame()), GOLDEN_FRAME_SIZE)
    style = resized(picture_at(shipped_style()), GOLDEN_STYLE_SIZE)
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


def _manifest(checkpoint: Checkpoint, parts: dict[str, bytes], seen: int) -> Manifest:
    listed = tuple(part_of(name, data) for name, data in parts.items())
    packages = ("hsi-edge", "torch", "onnx", "onnxruntime")
    return contract.manifest_of(
        checkpoint,
        listed,
        receptive_field=seen,
        generator={name: version_of(name) for name in packages},
        created=datetime.now(timezone.utc).isoformat(timespec="seconds"),
    )


def version_of(name: str) -> str:
    """The installed version of a package."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"
