"""The quality gate: a graph of lower precision against FP32, on frames it was not calibrated on."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Protocol

from hsi.calibrate.flicker import Flicker, change_at_rest, noisy_frames
from hsi.calibrate.gate_result import GateOptions, GateResult, GateScore, Losses, style_change
from hsi.calibrate.measures import banding, likeness, ramp
from hsi.calibrate.stylizer_run import Vectors
from hsi.runtime.errors import OptionError
from hsi.runtime.frame import Image

FRAMES_AT_REST = 6  # a mean over five changes of every value of a picture


class Candidate(Protocol):
    """A stylizer graph on an engine."""

    name: str

    def stylise(self, frame: Image, code: Vectors) -> Image:
        """A frame `(H, W, 3) uint8 BGR` in a style of code `(K,)`, at full strength."""


@dataclass(frozen=True, kw_only=True, eq=False)
class GatePair:
    """One frame in one style."""

    frame: str  # its name, for the report
    style: str
    image: Image
    code: Vectors


class LossMeter(Protocol):
    """Tells what a stylised picture loses of its content and lacks of its style."""

    def losses(self, picture: Image, pair: GatePair) -> Losses:
        """Measure the picture `(H, W, 3) uint8 BGR` that was made of a pair."""


class Gate:
    """FP32's pictures, made once, and candidates held against them.

    Args:
        reference: The FP32 graph.
        pairs: Frames in styles; at least one. The first is the scene that flicker is measured on.
        options: What to reach.
        meter: Measures content and style losses; None for verdicts without.

    Raises:
        OptionError: There is nothing to judge on.
        EngineError: The reference does not run.
    """

    def __init__(
        self,
        reference: Candidate,
        pairs: Sequence[GatePair],
        options: GateOptions,
        meter: LossMeter | None = None,
    ) -> None:
        if not pairs:
            raise OptionError("the quality gate needs frames to judge on, got none")
        self.options = options
        self.pairs = tuple(pairs)
        self.wanted = tuple(reference.stylise(one.image, one.code) for one in pairs)
        self._reference = reference
        self._meter = meter
        self._hardest_first = list(range(len(self.pairs)))

    def judge(
        self, candidate: Candidate, precision: str, options: GateOptions | None = None
    ) -> GateResult:
        """Hold a candidate against FP32.

        Args:
            candidate: What to judge.
            precision: What to call it.
            options: What it must reach; None for the gate's own.

        Raises:
            EngineError: The candidate does not run.
        """
        return next(self.judge_engines([candidate], precision, options))

    def judge_engines(
        self, candidates: Iterable[Candidate], precision: str, options: GateOptions | None = None
    ) -> Iterator[GateResult]:
        """Hold one graph on several engines against FP32, and against itself on the first of them.

        Args:
            candidates: The graph on each engine, judged as they are asked for.
            precision: What to call it.
            options: What it must reach; None for the gate's own.

        Raises:
            EngineError: A candidate does not run.
        """
        first: list[Image] | None = None
        for one in candidates:
            made = [one.stylise(pair.image, pair.code) for pair in self.pairs]
            yield GateResult(
                precision=precision,
                engine=one.name,
                options=options or self.options,
                scores=self._scores(made, first),
                banding=banding(self._drawn_ramp(one), self._wanted_ramp),
                flicker=Flicker(
                    change=self._change_at_rest(one), reference_change=self._wanted_change
                ),
            )
            first = first or made

    def passes(self, candidates: Iterable[Candidate]) -> bool:
        """Whether one graph passes on all of some engines, as :meth:`judge_engines` would say.

        For a search, which asks of dozens of graphs: it ends at the first picture that fails, looks
        there first the next time, and measures nothing that is merely told.

        Args:
            candidates: The graph on each engine, taken as they are needed: opening one costs more
                than a picture.

        Raises:
            EngineError: A candidate does not run.
        """
        made: dict[int, list[Image]] = {}
        engines = _Opened(candidates)
        for number in list(self._hardest_first):
            pair, made[number] = self.pairs[number], []
            for one in engines:
                picture = one.stylise(pair.image, pair.code)
                first = next(iter(made[number]), None)
                if not _score(pair, picture, self.wanted[number], first).is_within(self.options):
                    self._hardest_first.remove(number)
                    self._hardest_first.insert(0, number)
                    return False
                made[number].append(picture)
        pictures = [made[number] for number in range(len(self.pairs))]
        return all(self._keeps_style(list(of_one)) for of_one in zip(*pictures, strict=True))

    def _keeps_style(self, made: list[Image]) -> bool:
        change = None if self._meter is None else style_change(self._scores(made, None))
        return change is None or abs(change) <= self.options.max_style_change

    def _scores(self, made: list[Image], first: list[Image] | None) -> tuple[GateScore, ...]:
        losses = self._losses(made)
        beside: Sequence[Image | None] = first or [None] * len(made)
        judged = zip(
            self.pairs, made, self.wanted, beside, losses, self._wanted_losses, strict=True
        )
        return tuple(
            replace(_score(pair, picture, wanted, other), losses=loss, reference_losses=wanted_loss)
            for pair, picture, wanted, other, loss, wanted_loss in judged
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

    # What FP32 itself scores is made at the first verdict: who asks for strain alone needs none.

    @cached_property
    def _wanted_losses(self) -> list[Losses | None]:
        return self._losses(self.wanted)

    @cached_property
    def _wanted_ramp(self) -> Image:
        return self._drawn_ramp(self._reference)

    @cached_property
    def _wanted_change(self) -> float:
        return self._change_at_rest(self._reference)

    def _losses(self, pictures: Sequence[Image]) -> list[Losses | None]:
        if self._meter is None:
            return [None] * len(pictures)
        pairs = zip(pictures, self.pairs, strict=True)
        return [self._meter.losses(picture, pair) for picture, pair in pairs]

    def _drawn_ramp(self, candidate: Candidate) -> Image:
        return candidate.stylise(ramp(), self.pairs[0].code)

    def _change_at_rest(self, candidate: Candidate) -> float:
        scene, code = self.pairs[0].image, self.pairs[0].code
        frames = noisy_frames(scene, FRAMES_AT_REST)
        return change_at_rest([candidate.stylise(frame, code) for frame in frames])


class _Opened:
    """Candidates, each opened when it is first asked for, and kept."""

    def __init__(self, candidates: Iterable[Candidate]) -> None:
        self._unopened = iter(candidates)
        self._opened: list[Candidate] = []

    def __iter__(self) -> Iterator[Candidate]:
        yield from tuple(self._opened)
        for one in self._unopened:
            self._opened.append(one)
            yield one


def _score(pair: GatePair, picture: Image, wanted: Image, beside: Image | None = None) -> GateScore:
    return GateScore(
        frame=pair.frame,
        style=pair.style,
        **asdict(likeness(picture, wanted)),
        agreement=None if beside is None else likeness(picture, beside).psnr,
    )


def _squared_error(psnr: float) -> float:
    """Mean squared error of 8-bit values at a PSNR in dB."""
    return float(255**2 * 10 ** (-psnr / 10))
