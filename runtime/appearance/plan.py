"""What happens at each step of a transfer."""

from dataclasses import dataclass

import numpy as np

from hsi.runtime.appearance.options import Range, TransferOptions
from hsi.runtime.appearance.schedule import NoiseSchedule, Step

FINE, COARSE = 0, 1  # groups of layers, by the size of their attention
GROUPS = 2


@dataclass(frozen=True, kw_only=True)
class PlannedStep:
    """One step of the loop."""

    number: int  # from 0
    step: Step
    swapped: tuple[bool, bool]  # whether layers of the fine and of the coarse group take the style
    refreshed: bool  # whether they take the structure's keys and values instead
    guidance: float  # 1: the swapped prediction itself
    adain: bool

    @property
    def swaps(self) -> bool:
        """Whether any layer takes foreign keys and values."""
        return any(self.swapped)

    @property
    def guided(self) -> bool:
        """Whether the unswapped prediction is needed too."""
        return self.swaps and self.guidance != 1.0


def plan(schedule: NoiseSchedule, options: TransferOptions) -> tuple[PlannedStep, ...]:
    """The loop of a transfer, noisiest step first.

    Guidance acts where layers are swapped: elsewhere both predictions are the same.

    Raises:
        OptionError: The schedule has no such number of steps.
    """
    steps = schedule.steps(options.steps, spacing=options.spacing)[options.skip :]
    count = len(steps)
    groups = (_active(options.fine_range, count), _active(options.coarse_range, count))
    first = min((min(g) for g in groups if g), default=count)
    adain = _active(options.adain_range, count) if options.adain != "off" else range(0)
    scales = np.linspace(*options.guidance, count)
    return tuple(
        PlannedStep(
            number=i,
            step=step,
            swapped=(i in groups[FINE], i in groups[COARSE]),
            refreshed=_refreshed(options, i, first, count),
            guidance=float(scales[i]),
            adain=i in adain,
        )
        for i, step in enumerate(steps)
    )


def _active(shares: Range, count: int) -> range:
    return range(round(shares[0] * count), round(shares[1] * count))


def _refreshed(options: TransferOptions, number: int, first: int, count: int) -> bool:
    if options.refresh_every == 0 or number < first:
        return False
    due = (number - first) % options.refresh_every == 0
    return due and number < round(options.refresh_until * count)
