"""Verdicts of the quality gate."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from hsi.calibrate.flicker import Flicker
from hsi.calibrate.measures import SAME, Banding
from hsi.runtime.errors import OptionError


@dataclass(frozen=True, kw_only=True)
class GateOptions:
    """What a variant must reach: on every frame in every style, and in style loss on all."""

    min_psnr: float = 35.0  # dB against FP32
    min_ssim: float = 0.95  # likewise, of the lumas
    min_tile_psnr: float = 30.0  # dB, of every tile: clipped highlights are few and easily seen
    max_style_change: float = 0.05  # of FP32's style loss, up or down; where it is measured
    min_agreement: float = 0.0  # dB between the engines here; 0: told, not judged

    def __post_init__(self) -> None:
        for name in ("min_psnr", "min_tile_psnr", "min_agreement"):
            value = getattr(self, name)
            if not 0 <= value <= SAME:
                raise OptionError(f"{name} must be from 0 to {SAME:.0f} dB, got {value}")
        if not -1 <= self.min_ssim <= 1:
            raise OptionError(f"min_ssim must be from -1 to 1, got {self.min_ssim}")
        if not 0 <= self.max_style_change < float("inf"):
            raise OptionError(
                f"max_style_change must be 0 or more, such as 0.05, got {self.max_style_change}"
            )


@dataclass(frozen=True, kw_only=True)
class Losses:
    """Distances of VGG-19 features, as ``hsi-eval`` measures them; lower is nearer."""

    content: float  # to the frame
    style: float  # to the style picture


@dataclass(frozen=True, kw_only=True)
class GateScore:
    """How near the candidate's frame is to FP32's."""

    frame: str
    style: str
    psnr: float  # dB
    ssim: float
    worst_tile_psnr: float  # dB, of tiles of 64 pixels
    agreement: float | None = None  # dB, to the first engine's of the same graph; None: it is that
    losses: Losses | None = None  # None: without a loss network
    reference_losses: Losses | None = None  # FP32's

    def is_within(self, limits: GateOptions) -> bool:
        """Whether this picture is near enough; style loss counts over all of them together."""
        return (
            self.psnr >= limits.min_psnr
            and self.ssim >= limits.min_ssim
            and self.worst_tile_psnr >= limits.min_tile_psnr
            and (self.agreement is None or self.agreement >= limits.min_agreement)
        )


def style_change(scores: Iterable[GateScore]) -> float | None:
    """Style loss against FP32's, all frames together: 0.02 is 2 % more. None: not measured."""
    return _change(
        (s.losses.style, s.reference_losses.style)
        for s in scores
        if s.losses and s.reference_losses
    )


@dataclass(frozen=True, kw_only=True)
class GateResult:
    """The verdict over one candidate on one engine."""

    precision: str
    engine: str
    options: GateOptions
    scores: tuple[GateScore, ...]  # one at least
    banding: Banding  # told, not judged: a style may draw bands of its own
    flicker: Flicker  # told, not judged: `hsi-run --stability` takes most of it away

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
    def agreement(self) -> float | None:
        """The least of all frames, dB between engines; None for the first of them."""
        found = [score.agreement for score in self.scores if score.agreement is not None]
        return min(found, default=None)

    @property
    def style_change(self) -> float | None:
        """See :func:`style_change`."""
        return style_change(self.scores)

    @property
    def content_change(self) -> float | None:
        """Content loss against FP32's, likewise; told, not judged."""
        return _change(
            (s.losses.content, s.reference_losses.content)
            for s in self.scores
            if s.losses and s.reference_losses
        )

    @property
    def passed(self) -> bool:
        """Whether every frame is near enough to FP32."""
        limits, change = self.options, self.style_change
        near = all(score.is_within(limits) for score in self.scores)
        return near and (change is None or abs(change) <= limits.max_style_change)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        told = ("psnr", "ssim", "worst_tile_psnr", "agreement", "style_change", "content_change")
        return {**asdict(self), **{name: getattr(self, name) for name in (*told, "passed")}}


def _change(losses: Iterable[tuple[float, float]]) -> float | None:
    """The sum of the first against that of the second, less 1; None of nothing."""
    pairs = list(losses)
    wanted = sum(of_reference for _, of_reference in pairs)
    return sum(made for made, _ in pairs) / max(wanted, 1e-12) - 1 if pairs else None
