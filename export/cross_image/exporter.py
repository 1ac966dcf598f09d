"""From a diffusion model in diffusers layout to a bundle that has been measured."""

import logging
import os
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import onnx
import torch

from hsi.appearance import DiffusionModel, load_model
from hsi.appearance.model_folder import DEFAULT_NOUN, size_of
from hsi.export.cross_image.contract import CONTEXT, DECODER, ENCODER, UNET, manifest_of
from hsi.export.cross_image.onnx_graphs import decoder_onnx, encoder_onnx, serialised, unet_onnx
from hsi.export.cross_image.parity import (
    PictureComparison,
    StepComparison,
    compare_pictures,
    compare_steps,
)
from hsi.export.exporter import picture_at, shipped_frame, shipped_style
from hsi.runtime.appearance import OnnxModel
from hsi.runtime.appearance.pictures import fitted_pictures
from hsi.runtime.bundle import write_bundle
from hsi.runtime.errors import OptionError, OutputError

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class CrossImageOptions:
    """One export of a diffusion model."""

    model: Path  # folder in diffusers layout
    out: Path  # bundle, ending in .hsi
    noun: str = DEFAULT_NOUN  # what is transferred
    size: tuple[int, int] | None = None  # (width, height) in pixels; None: the U-Net's own
    free_u: bool = False  # the published variant
    half_weights: bool = False  # stored as float16, computed with as float32
    frame: Path | None = None  # structure to compare on; None: a shipped photograph
    style: Path | None = None  # appearance to compare on; likewise
    force: bool = False
    dry_run: bool = False

    def __post_init__(self) -> None:
        if self.out.suffix != ".hsi":
            raise OptionError(f"the bundle must end in .hsi, got {self.out.name!r}")
        if self.out.is_dir():
            raise OptionError(f"{self.out} is a folder: give the name of a file")
        if self.out.exists() and not self.force:
            raise OptionError(f"{self.out} exists: pass --force to replace it")
        folder = self.out.parent
        if not folder.is_dir() or not os.access(folder, os.W_OK):
            raise OutputError(f"{self.out}: expected a folder to write to, found none: make it")


@dataclass(frozen=True, kw_only=True)
class CrossImageReport:
    """What an export made and how well it agrees with torch."""

    out: str
    bytes: int
    written: bool
    steps: tuple[StepComparison, ...]
    picture: PictureComparison

    @property
    def agrees(self) -> bool:
        """Whether every comparison does."""
        return self.picture.agrees and all(step.agrees for step in self.steps)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {**asdict(self), "agrees": self.agrees}


def export_cross_image(
    options: CrossImageOptions, on_step: Callable[[str], None] = log.info
) -> CrossImageReport:
    """Export a diffusion model and compare the result with torch; write it only if they agree.

    Raises:
        SourceError: The folder is no diffusion model, or a picture cannot be read.
        OptionError: The size does not fit the model, or a graph an ONNX file.
        QualityError: torch cannot write a graph with standard operators alone, or gives NaN.
        EngineError: ONNX Runtime does not take a graph.
        OutputError: The bundle cannot be written.
    """
    on_step(f"reading {options.model.name}")
    structure = picture_at(options.frame or shipped_frame())
    appearance = picture_at(options.style or shipped_style())
    model = load_model(options.model, noun=options.noun, free_u=options.free_u)
    if options.half_weights:
        _round_to_half(model)
    width, height = size_of(model, options.size)
    latents = model.encode(fitted_pictures([structure], (width, height)))
    parts = {CONTEXT: _context_bytes(model)}
    shape = latents.shape[1:]
    makers: dict[str, Callable[[], onnx.ModelProto]] = {
        ENCODER: lambda: encoder_onnx(model, width, height),
        DECODER: lambda: decoder_onnx(model, shape),
        UNET: lambda: unet_onnx(model, shape),
    }
    graphs = {}
    for part, make in makers.items():
        on_step(f"{part.removesuffix('.onnx')} to ONNX")
        graphs[part] = make()
        parts[part] = serialised(graphs[part], half=options.half_weights)
    manifest = manifest_of(model, options.noun, parts, graphs, (width, height))
    with tempfile.TemporaryDirectory(dir=options.out.parent, prefix=".hsi-export-") as folder:
        trial = Path(folder) / options.out.name
        write_bundle(trial, manifest, parts, packing=zipfile.ZIP_STORED)
        on_step("torch against ONNX Runtime, step by step")
        found = OnnxModel(trial, engine="onnxruntime-cpu")
        steps = compare_steps(model, found)
        on_step("torch against ONNX Runtime, a whole picture")
        pair = [fitted_pictures([one], (width, height)) for one in (structure, appearance)]
        picture = compare_pictures(model, found, pair[0], pair[1])
        report = _report(options, parts, steps, picture)
        if report.written:
            on_step(f"writing {options.out}")
            os.replace(trial, options.out)
    return report


def _report(
    options: CrossImageOptions,
    parts: Mapping[str, bytes],
    steps: list[StepComparison],
    picture: PictureComparison,
) -> CrossImageReport:
    good = picture.agrees and all(step.agrees for step in steps)
    return CrossImageReport(
        out=str(options.out),
        bytes=sum(map(len, parts.values())),
        written=good and not options.dry_run,
        steps=tuple(steps),
        picture=picture,
    )


@torch.no_grad()
def _round_to_half(model: DiffusionModel) -> None:
    """Give the model the weights that its bundle will have: torch is compared with those."""
    for module in (model.unet, *model.codec.modules()):
        for weight in module.parameters():
            rounded = weight.half().float()
            weight.copy_(torch.where(rounded.isfinite(), rounded, weight))


def _context_bytes(model: DiffusionModel) -> bytes:
    both = torch.cat([model.context, model.empty_context]).float().cpu().contiguous()
    return both.numpy().astype("<f4").tobytes()
