"""The variants of an export: their graphs and records as parts of the bundle."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import onnx

from hsi.calibrate.calibration_set import CalibrationOptions, CalibrationSet, collect
from hsi.calibrate.candidates import candidates_of
from hsi.calibrate.drift_bounds import drift_reference
from hsi.calibrate.gate import LossMeter
from hsi.calibrate.gate_page import gate_page
from hsi.calibrate.gate_result import GateResult
from hsi.calibrate.stylizer_run import StylizerRun, encode_styles
from hsi.calibrate.variant_set import StylizerVariant, VariantSet
from hsi.calibrate.variants import VariantMaker, VariantOptions
from hsi.export.contract import GOLDEN_FRAME, GOLDEN_STYLE, MAX_DIFFERENCE, MAX_SHARE_OVER_ONE
from hsi.runtime.bundle import part_of
from hsi.runtime.errors import SourceError
from hsi.runtime.frame import Image
from hsi.runtime.manifest import Golden, Graph, Manifest, Variant, Verdict
from hsi.runtime.picture import picture_from_bytes
from hsi.runtime.style_picture import sized_style, style_from_bytes
from hsi.runtime.styles import shipped_styles

CALIBRATION = "calibration.json"
STYLE_SIDE = 384  # pixels: a style's code hardly depends on its size, its encoding's time does
# A graph of lower precision rounds at every layer, and engines round ties apart: twice what they
# differ by here, and no less than this. A wrong graph is further off by far.
LEAST_TOLERANCE = {"fp16": (2 * MAX_DIFFERENCE, 20 * MAX_SHARE_OVER_ONE), "int8": (24, 0.5)}


@dataclass(frozen=True, kw_only=True, eq=False)
class VariantParts(VariantSet):
    """What an export adds to its bundle, and what it says of it."""

    calibration: CalibrationSet | None = None
    page: str = ""  # HTML; "" where nothing was judged


def make_variants(
    parts: Mapping[str, bytes],
    graphs: tuple[bytes, bytes],
    photograph: Image,
    places: tuple[str, ...],
    options: VariantOptions,
    on_step: Callable[[str], None],
) -> VariantParts:
    """Calibrate, quantise and judge.

    Args:
        parts: The bundle's parts so far, for its golden pictures.
        graphs: Style encoder and stylizer, FP32.
        photograph: `(H, W, 3) uint8 BGR` to judge on besides held-out frames.
        places: Sources to calibrate on.
        options: Which variants.
        on_step: Told what starts.

    Raises:
        OptionError: INT8 is asked for without a place to calibrate on.
        SourceError: A place cannot be read or has no frames, or the loss network cannot be read.
        QualityError: A graph breaks a rule of the engines.
        EngineError: A graph does not run.
    """
    if options.precision == "fp32":
        return VariantParts()
    styles = _styles()
    # First what is quick to be wrong: a camera is watched for minutes.
    meter = _meter(options.loss_network, styles) if options.loss_network else None
    calibration = collect(places, CalibrationOptions(), on_step) if places else None
    codes = dict(zip(styles, encode_styles(graphs[0], list(styles.values())), strict=True))
    maker = VariantMaker(graphs[1], codes, photograph, calibration, options, on_step, meter)
    made = maker.variants()
    shown = {one.precision: StylizerRun(one.model) for one in made.variants}
    page = gate_page(maker.gate, shown, made.results)
    return VariantParts(**vars(made), calibration=calibration, page=page)


def added(
    manifest: Manifest, parts: Mapping[str, bytes], made: VariantParts
) -> tuple[Manifest, dict[str, bytes]]:
    """The bundle with the variants to keep; the manifest lists their parts."""
    parts = dict(parts)
    variants = []
    for one in made.kept:
        graph = f"stylizer.{one.precision}.onnx"
        golden, picture = _golden(manifest.golden, parts, one)
        parts |= {graph: one.model.SerializeToString(), golden.stylised: picture}
        calibrated = made.calibration is not None and one.precision == "int8"
        if calibrated and made.calibration is not None:
            run = StylizerRun(onnx.load_from_string(parts[manifest.stylizer.part]))
            drift = drift_reference(made.calibration, run, manifest.statistics)
            parts[CALIBRATION] = made.calibration.to_json(drift).encode()
        variants.append(
            Variant(
                graph=_graph(manifest.stylizer, graph, one),
                golden=golden,
                verdicts=tuple(map(_verdict, one.results)),
                float_layers=one.finer.floats,
                split_layers=one.finer.split,
                calibration=CALIBRATION if calibrated else "",
            )
        )
    listed = tuple(part_of(name, data) for name, data in parts.items())
    return replace(manifest, parts=listed, variants=tuple(variants)), parts


def _styles() -> dict[str, Image]:
    return {
        name: sized_style(style_from_bytes(path.read_bytes(), path), STYLE_SIDE)
        for name, path in shipped_styles().items()
    }


def _meter(network: Path, styles: Mapping[str, Image]) -> LossMeter:
    # Imported here: it takes torch along, which a gate without losses does not need.
    from hsi.calibrate.losses import VggLosses

    return VggLosses(network, styles)


def _graph(stylizer: Graph, part: str, made: StylizerVariant) -> Graph:
    return replace(stylizer, part=part, precision=made.precision)


def _verdict(result: GateResult) -> Verdict:
    return Verdict(
        engine=result.engine,
        psnr=round(result.psnr, 2),
        ssim=round(result.ssim, 5),
        worst_tile_psnr=round(result.worst_tile_psnr, 2),
        min_psnr=float(result.options.min_psnr),
        min_ssim=float(result.options.min_ssim),
        min_tile_psnr=float(result.options.min_tile_psnr),
        passed=result.passed,
        style_change=_rounded(result.style_change),
        content_change=_rounded(result.content_change),
        max_style_change=float(result.options.max_style_change),
        flicker_added=_rounded(result.flicker.added),
        agreement=_rounded(result.agreement),
        min_agreement=float(result.options.min_agreement),
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def _golden(
    golden: Golden, parts: Mapping[str, bytes], made: StylizerVariant
) -> tuple[Golden, bytes]:
    """The golden picture of a variant, by ONNX Runtime, and how far other engines may be off."""
    frame, style = (_decoded(parts, name) for name in (GOLDEN_FRAME, GOLDEN_STYLE))
    (code,) = encode_styles(parts["style_encoder.onnx"], [style])
    first, *others = [one.stylise(frame, code) for one in candidates_of(made.model)]
    apart = [cv2.absdiff(first, other) for other in others] or [np.zeros_like(frame)]
    worst = max(int(one.max()) for one in apart)
    share = max(float((one > 1).mean()) for one in apart)
    least = LEAST_TOLERANCE[made.precision]
    good, data = cv2.imencode(".png", first)
    assert good  # the golden pictures before it were written the same way
    judged = replace(
        golden,
        stylised=f"golden/stylised.{made.precision}.png",
        max_difference=min(255, max(2 * worst, least[0])),
        max_share_over_one=min(1.0, max(round(2 * share, 4), least[1])),
    )
    return judged, data.tobytes()


def _decoded(parts: Mapping[str, bytes], name: str) -> Image:
    picture = picture_from_bytes(parts[name])
    if picture is None:
        raise SourceError(f"{name}: expected a golden picture, found none: export again")
    return picture
