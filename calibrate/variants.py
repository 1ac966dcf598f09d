"""The variants of a stylizer: made, judged, and those kept that are good enough."""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

import onnx

from hsi.calibrate.calibration_set import CalibrationSet
from hsi.calibrate.candidates import (
    OpenVinoRun,
    candidates_of,
    cuda_run,
    fastest_ms,
    has_openvino,
)
from hsi.calibrate.doubling import without_doubling
from hsi.calibrate.finer_layers import NONE_FINER, FinerLayers
from hsi.calibrate.gate import Candidate, Gate, GatePair, LossMeter
from hsi.calibrate.gate_result import GateOptions, GateResult
from hsi.calibrate.half import half
from hsi.calibrate.quantiser import Quantiser
from hsi.calibrate.ranges import METHODS, Sample
from hsi.calibrate.stylizer_run import StylizerRun, Vectors
from hsi.calibrate.trial import FP16, FP32, INT8, Trial, trials_of
from hsi.calibrate.variant_set import StylizerVariant, VariantSet
from hsi.runtime.errors import OptionError, QualityError
from hsi.runtime.frame import Image

F = TypeVar("F")
S = TypeVar("S")
log = logging.getLogger(__name__)

PRECISIONS = (FP32, FP16, INT8, "auto")
STYLES_PER_FRAME = 2  # activations depend on the style as well as on the frame
TUNING_SAMPLES = 6
FP16_OPTIONS = GateOptions(min_psnr=45.0, min_ssim=0.99, min_tile_psnr=40.0)


@dataclass(frozen=True, kw_only=True)
class VariantOptions:
    """Which variants, and how good they must be."""

    precision: str = FP32
    ranges: str = "percentile"
    gate: GateOptions = field(default_factory=GateOptions)
    loss_network: Path | None = None  # weights of VGG-19, to measure style and content loss with

    def __post_init__(self) -> None:
        if self.precision not in PRECISIONS:
            raise OptionError(
                f"precision must be one of {', '.join(PRECISIONS)}, got {self.precision!r}"
            )
        if self.ranges not in METHODS:
            raise OptionError(f"ranges must be one of {', '.join(METHODS)}, got {self.ranges!r}")


class VariantMaker:
    """Makes variants of one stylizer and judges them.

    Args:
        stylizer: The FP32 graph.
        codes: Style codes `(K,)` by name, at least one.
        photograph: `(H, W, 3) uint8 BGR`, judged on always: held-out frames of a wrong source are
            as wrong as those calibrated on, and would not tell.
        calibration: Frames; None where nothing is calibrated.
        options: Which and how good.
        on_step: Told what starts.
        meter: Measures style and content losses for the gate, if any does.

    Raises:
        OptionError: INT8 is asked for without frames to calibrate on, or agreement without a
            second engine.
        EngineError: The graph does not run.
    """

    def __init__(
        self,
        stylizer: bytes,
        codes: dict[str, Vectors],
        photograph: Image,
        calibration: CalibrationSet | None,
        options: VariantOptions,
        on_step: Callable[[str], None] = log.info,
        meter: LossMeter | None = None,
    ) -> None:
        if options.precision in (INT8, "auto") and calibration is None:
            raise OptionError(
                f"precision {options.precision} needs frames to calibrate on: pass --calib with a "
                "folder, clip or camera"
            )
        if options.gate.min_agreement and not has_openvino():
            raise OptionError(
                "min_agreement compares engines, and one alone is installed: "
                "pip install 'hsi-edge[openvino]'"
            )
        self._model = onnx.load_from_string(stylizer)
        self._codes = codes
        self._calibration = calibration
        self._options = options
        self._on_step = on_step
        reference = StylizerRun(self._model)
        self.gate = Gate(reference, self._pairs(photograph), options.gate, meter)

    def variants(self) -> VariantSet:
        """The variants asked for, passed or not; for ``auto`` all that were tried.

        Raises:
            QualityError: A graph breaks a rule of the engines, or activations are no numbers.
            EngineError: A graph does not run.
        """
        wanted = self._options.precision
        if wanted == "auto":
            return self._fastest()
        made: list[StylizerVariant] = []
        if wanted == FP16:
            made = [self._half()]
        elif wanted == INT8:
            made = [self._plain(self._quantiser())]
        return VariantSet(variants=tuple(made))

    def judged(
        self, model: onnx.ModelProto, precision: str, options: GateOptions | None = None
    ) -> Iterator[GateResult]:
        """The verdicts over a graph on every engine here, one engine at a time."""
        return self.gate.judge_engines(candidates_of(model), precision, options)

    def _half(self) -> StylizerVariant:
        self._on_step("FP16 against FP32")
        model = half(self._model)
        # Stricter than what INT8 must reach: FP16 has no reason to be seen.
        results = self.judged(model, FP16, _stricter(self._options.gate))
        return StylizerVariant(precision=FP16, model=model, results=tuple(results))

    def _quantiser(self) -> Quantiser:
        self._on_step("ranges of activations")
        return Quantiser(self._model, self._samples(), self._options.ranges)

    def _int8(self, quantiser: Quantiser, finer: FinerLayers = NONE_FINER) -> StylizerVariant:
        kept = f" with {len(finer)} finer layers" if finer else ""
        self._on_step(f"INT8{kept} against FP32")
        model = quantiser.graph(finer)
        results = tuple(self.judged(model, INT8))
        return StylizerVariant(precision=INT8, model=model, results=results, finer=finer)

    def _plain(self, quantiser: Quantiser) -> StylizerVariant:
        """All layers in INT8, the worst tuned where that fails."""
        variant = self._int8(quantiser)
        if variant.passed:
            return variant
        self._on_step("what each layer does to the picture")
        gate = self._tuning_gate()
        quantiser.tune(gate, quantiser.damage(gate))
        return self._int8(quantiser)

    def _fastest(self) -> VariantSet:
        """FP16 and INT8, and of those that pass the fastest that this machine would run."""
        made, left = [], []
        try:
            made.append(self._half())
        except QualityError as error:  # weights beyond FP16: INT8 may still do
            left.append(Trial(precision=FP16, reason=f"left: {error}"))
        made.append(self._mixed(self._quantiser()))
        self._on_step("timing the candidates")
        on_cuda = cuda_run(self._model)
        runs: dict[str, Candidate] = {FP32: on_cuda or _cpu_run(self._model, FP32)}
        for one in made:
            runs[one.precision] = _fastest_run(one)
        good = {FP32, *(one.precision for one in made if one.passed)}
        times = fastest_ms(
            {name: run for name, run in runs.items() if name in good},
            next(iter(self._codes.values())),
        )
        engines = {name: run.name for name, run in runs.items()}
        trials = trials_of(engines, times, _runs_here(on_cuda is not None))
        return VariantSet(variants=tuple(made), trials=(*trials, *left))

    def _mixed(self, quantiser: Quantiser) -> StylizerVariant:
        """All layers in plain INT8, or all but those that have to be finer to pass."""
        variant = self._plain(quantiser)
        if variant.passed:
            return variant
        self._on_step("which layers to make finer")
        damage = quantiser.damage(self._tuning_gate())
        finer = quantiser.finer_until_it_passes(
            damage, lambda model: self.gate.passes(candidates_of(model))
        )
        return self._int8(quantiser, finer)

    def _tuning_gate(self) -> Gate:
        """Of frames calibrated on: those that judge are not learnt from."""
        pairs = [
            GatePair(frame="calibration", style="", image=image, code=code)
            for image, code in self._samples()[:TUNING_SAMPLES]
        ]
        return Gate(StylizerRun(self._model), pairs, self._options.gate)

    def _samples(self) -> list[Sample]:
        assert self._calibration is not None
        frames = [frame.image for frame in self._calibration.frames]
        return _paired(frames, list(self._codes.values()))

    def _pairs(self, photograph: Image) -> list[GatePair]:
        images = {"photograph": photograph}
        for frame in self._calibration.held_out if self._calibration else ():
            images[f"{frame.source} frame {frame.number}"] = frame.image
        pairs = _paired(list(images.items()), list(self._codes.items()))
        return [
            GatePair(frame=frame, style=style, image=image, code=code)
            for (frame, image), (style, code) in pairs
        ]


def _fastest_run(variant: StylizerVariant) -> Candidate:
    if variant.precision == FP16:
        return cuda_run(variant.model) or StylizerRun(variant.model)
    return _cpu_run(variant.model, variant.precision)


def _cpu_run(model: onnx.ModelProto, precision: str) -> Candidate:
    if not has_openvino():
        return StylizerRun(model)
    return OpenVinoRun(without_doubling(model) if precision == FP32 else model)


def _runs_here(on_cuda: bool) -> set[str]:
    """What ``hsi-run`` takes by itself; see :func:`hsi.runtime.engine.open_engine`."""
    if on_cuda:
        return {FP32, FP16}
    return {FP32, INT8} if has_openvino() else {FP32}


def _stricter(options: GateOptions) -> GateOptions:
    return replace(
        options,
        min_psnr=max(options.min_psnr, FP16_OPTIONS.min_psnr),
        min_ssim=max(options.min_ssim, FP16_OPTIONS.min_ssim),
        min_tile_psnr=max(options.min_tile_psnr, FP16_OPTIONS.min_tile_psnr),
    )


def _paired(frames: Sequence[F], styles: Sequence[S]) -> list[tuple[F, S]]:
    """Each frame with some of the styles, all styles in turn."""
    count = min(STYLES_PER_FRAME, len(styles))
    step = max(1, len(styles) // count)
    return [
        (frame, styles[(number + step * turn) % len(styles)])
        for number, frame in enumerate(frames)
        for turn in range(count)
    ]
