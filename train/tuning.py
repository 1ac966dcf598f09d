"""A style's code, tuned: what the style encoder guesses at a glance, improved by looking."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from hsi.model import StyleNetwork
from hsi.runtime.errors import OptionError
from hsi.train.losses import LossNetwork, content_loss, moment_loss, require_finite
from hsi.train.objective import Objective, StyleTarget
from hsi.train.options import LossWeights, Precision
from hsi.train.pictures import PictureSet, planes

SCORED = 4  # photographs, always the same crops, by which a code is judged before and after
TUNING_WEIGHTS = LossWeights(
    style=70, content=10, grey_content=0, adversarial=0, structure=110, palette=50
)


@dataclass(frozen=True, kw_only=True)
class TuneOptions:
    """How long and by what a code is tuned."""

    steps: int = 80
    batch: int = 2
    crop: int = 256  # pixels of the photographs, a multiple of 8
    rate: float = 0.05  # Adam on the numbers of the code; falls to nothing
    weights: LossWeights = TUNING_WEIGHTS
    precision: Precision = "fp32"  # of the loss network
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("steps", "batch"):
            if getattr(self, name) < 1:
                raise OptionError(f"{name} must be at least 1, got {getattr(self, name)}")
        if self.crop % 8 or self.crop < 64:
            raise OptionError(f"crop must be a multiple of 8 from 64, got {self.crop}")
        if not 0 < self.rate < 10:
            raise OptionError(f"rate must lie between 0 and 10, got {self.rate}")
        if self.weights.adversarial or self.weights.identity or self.weights.teacher:
            raise OptionError(
                "weights of adversarial, identity and teacher's loss must be 0 to tune a code"
            )


@dataclass(frozen=True, kw_only=True)
class Scores:
    """Unweighted losses over the same photographs, in the units of :mod:`hsi.train.losses`."""

    content: float
    style: float  # squared, summed over levels


@dataclass(frozen=True, kw_only=True, eq=False)
class Tuned:
    """A code, and what it was worth before and after."""

    code: Tensor  # (1, K) float32
    before: Scores
    after: Scores


class StyleTuner:
    """Tunes codes of one network by gradient descent through its frame path, which stays as it is.

    A style encoder guesses a code for any painting at once; for one painting that matters, half a
    minute of looking at results gives a better one, of the same size and at no cost per frame.

    Args:
        network: In evaluation mode; not changed.
        photographs: What the style shall look good on.
        loss_network: The VGG-19 that judges.
        options: How.
    """

    def __init__(
        self,
        network: StyleNetwork,
        photographs: PictureSet,
        loss_network: LossNetwork,
        options: TuneOptions,
    ) -> None:
        self.network = network.eval().requires_grad_(False)
        self.photographs = photographs
        self.options = options
        self.objective = Objective(loss_network, options.weights, "mse", (1, 2))

    def tune(self, style: Tensor, on_step: Callable[[int, float], None] | None = None) -> Tuned:
        """Tune the code of a style picture.

        Args:
            style: `(1, 3, H, W)` BGR in [0, 1].
            on_step: Called after each step with its number and the weighted loss.

        Raises:
            SourceError: The loss stopped being a number.
        """
        options = self.options
        with torch.no_grad(), self._autocast():
            moments = self.objective.target(style).moments
        small = F.interpolate(style, size=options.crop, mode="area")
        target = StyleTarget(pictures=small, moments=moments)
        with torch.no_grad():
            first = self.network.encode_style(style)
        code = first.clone().requires_grad_(True)
        optimizer = torch.optim.Adam([code], lr=options.rate)
        for step in range(options.steps):
            for group in optimizer.param_groups:
                group["lr"] = options.rate * (1 - step / options.steps)
            loss = self._loss(code, target, step)
            require_finite(loss, step)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            if on_step:
                on_step(step + 1, float(loss.detach()))
        tuned = code.detach()
        return Tuned(
            code=tuned, before=self._scores(first, target), after=self._scores(tuned, target)
        )

    def _loss(self, code: Tensor, target: StyleTarget, step: int) -> Tensor:
        contents = self._photographs(step, self.options.batch)
        made, _ = self.network(contents, code.expand(len(contents), -1))
        with self._autocast():
            terms = self.objective.terms(made, contents, target)
        return torch.stack(list(terms.values())).sum()

    @torch.no_grad()
    def _scores(self, code: Tensor, target: StyleTarget) -> Scores:
        contents = self._photographs(self.options.steps, SCORED)  # not among those tuned on
        made, _ = self.network(contents, code.expand(SCORED, -1))
        judge = self.objective.loss_network
        with self._autocast():
            levels, wanted = judge(made.clamp(0, 1)), judge(contents)
        return Scores(
            content=float(content_loss(levels[-1], wanted[-1])),
            style=float(moment_loss(levels, target.moments, "mse")),
        )

    def _photographs(self, step: int, count: int) -> Tensor:
        rng = np.random.default_rng((self.options.seed, step))
        return planes(self.photographs.crops(rng, count, self.options.crop))

    def _autocast(self) -> torch.autocast:
        return torch.autocast("cpu", torch.bfloat16, enabled=self.options.precision == "bf16")
