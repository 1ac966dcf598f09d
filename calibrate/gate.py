"""The quality gate: a graph of lower precision against FP32, on frames it was not calibrated on."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from hsi.calibrate.measures import SAME, Banding, banding, likeness, ramp
from hsi.calibrate.stylizer_run import Vectors
from hsi.runtime.errors import OptionError
from hsi.runtime.frame import Image


class Candidate(Protocol):
    """A stylizer graph on an engine."""

    name: str

    def stylise(self, frame: Image, code: Vectors) -> Image:
        """A frame `(H, W, 3) uint8 BGR` in a style of code `(K,)`, at full strength."""


@dataclass(frozen=True, kw_only=True)
class GateOptions:
    """What a variant must reach on every frame in every style."""

    min_psnr: float = 35.0  # dB against FP32
    min_ssim: float = 0.95  # likewise, of the lumas
    min_tile_psnr: float = 30.0  # dB, of every tile: clipped highlights are few and easily seen

    def __post_init__(self) -> None:
        for name in ("min_psnr", "min_tile_psnr"):
            value = getattr(self, name)
            if not 0 <= value <= SAME:
                raise OptionError(f"{name} must be from 0 to {SAME:.0f} dB, got {value}")
        if not -1 <= self.min_ssim <= 1:
            raise OptionError(f"min_ssim must be from -1 to 1, got {self.min_ssim}")


@dataclass(frozen=True, kw_only=True, eq=False)
class GatePair:
    """One frame in one style."""

    frame: str  # its name, for the report
    style: str
    image: Image
    code: Vectors


@dataclass(frozen=True, kw_only=True)
class GateScore:
    """How near the candidate's frame is to FP32's."""

    frame: str
    style: str
    psnr: float  # dB
    ssim: float
    worst_tile_psnr: float  # dB, of tiles of 64 pixels


@dataclass(frozen=True, kw_only=True)
class GateResult:
    """The verdict over one candidate on one engine."""

    precision: str
    engine: str
    options: GateOptions
    scores: tuple[GateScore, ...]  # one at least
    banding: Banding  # told, not judged: a style may draw bands of its own

    @property
    def worst(self) -> GateScore:
        """The score of least PSNR."""
        return min(self.scores, key=lambda score: score.psnr)

    @property
    def psnr(self) -> float:
        """The least of all frames, dB."""
        return self.worst.psnr

    @property
    def ssim(self) -> float:
        """The least of all frames."""
        return min(score.ssim for score in self.scores)

    @property
    def worst_tile_psnr(self) -> float:
        """The least of all tiles of all frames, dB."""
        return min(score.worst_tile_psnr for score in self.scores)

    @property
    def passed(self) -> bool:
        """Whether every frame is near enough to FP32."""
        least = self.options
        near = self.psnr >= least.min_psnr and self.ssim >= least.min_ssim
        return near and self.worst_tile_psnr >= least.min_tile_psnr

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        least = {name: getattr(self, name) for name in ("psnr", "ssim", "worst_tile_psnr")}
        return {**asdict(self), **least, "passed": self.passed}


class Gate:
    """FP32's pictures, made once, and candidates held against them.

    Args:
        reference: The FP32 graph.
        pairs: Frames in styles; at least one.
        options: What to reach.

    Raises:
        OptionError: There is nothing to judge on.
        EngineError: The reference does not run.
    """

    def __init__(
        self, reference: Candidate, pairs: Sequence[GatePair], options: GateOptions
    ) -> None:
        if not pairs:
            raise OptionError("the quality gate needs frames to judge on, got none")
        self.options = options
        self.pairs = tuple(pairs)
        self.wanted = tuple(reference.stylise(one.image, one.code) for one in pairs)
        self._ramp = reference.stylise(ramp(), pairs[0].code)

    def judge(self, candidate: Candidate, precision: str) -> GateResult:
        """Hold a candidate against FP32.

        Raises:
            EngineError: The candidate does not run.
        """
        made = [candidate.stylise(one.image, one.code) for one in self.pairs]
        scores = tuple(
            GateScore(frame=pair.frame, style=pair.style, **asdict(likeness(picture, wanted)))
            for pair, picture, wanted in zip(self.pairs, made, self.wanted, strict=True)
        )
        return GateResult(
            precision=precision,
            engine=candidate.name,
            options=self.options,
            scores=scores,
            banding=banding(candidate.stylise(ramp(), self.pairs[0].code), self._ramp),
        )

    def strain(self, candidate: Candidate) -> float:
        """How much of what the gate allows a candidate uses up: 0 for FP32 itself, 2 at the limits.

        The mean squared error over all pictures and that of the worst tile, each as a share of the
        error at its limit. Tiles count, since clipping highlights lowers the mean and spoils them.
        """
        pairs = zip(self.pairs, self.wanted, strict=True)
        found = [likeness(candidate.stylise(one.image, one.code), wanted) for one, wanted in pairs]
        mean = sum(_squared_error(one.psnr) for one in found) / len(found)
        worst = max(_squared_error(one.worst_tile_psnr) for one in found)
        allowed, allowed_tile = self.options.min_psnr, self.options.min_tile_psnr
        return mean / _squared_error(allowed) + worst / _squared_error(allowed_tile)


def _squared_error(psnr: float) -> float:
    """Mean squared error of 8-bit values at a PSNR in dB."""
    return float(255**2 * 10 ** (-psnr / 10))


def gate_table(results: Sequence[GateResult]) -> str:
    """Verdicts as text: the worst frame of each candidate."""
    lines = [f"{'precision':>10s} {'engine':>16s} {'PSNR':>6s} {'SSIM':>7s} {'tile':>6s}  verdict"]
    for one in results:
        verdict = "passes" if one.passed else "FAILS"
        lines.append(
            f"{one.precision:>10s} {one.engine:>16s} {one.psnr:6.1f} {one.ssim:7.4f} "
            f"{one.worst_tile_psnr:6.1f}  {verdict}"
        )
    if results:
        options, count = results[0].options, len(results[0].scores)
        lines.append(
            f"expected against FP32: PSNR {options.min_psnr:g} dB, SSIM {options.min_ssim:g} and "
            f"PSNR {options.min_tile_psnr:g} dB in tiles at least, in each of {count} pictures"
        )
    return "\n".join(lines)
