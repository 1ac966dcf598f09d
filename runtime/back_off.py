"""How long to wait before a camera is tried again."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable

_FLAPS = 30  # connections that broke ...
_WINDOW_S = 60.0  # ... within so long: the camera comes and goes
_PAUSE_S = 10.0


class BackOff:
    """Waits that double up to a limit, each shortened at random: no two readers knock in step.

    Connections that break again and again are limited apart from that: after thirty in a minute
    comes a pause of ten seconds.

    Args:
        first_s: The first wait.
        longest_s: The longest one.
        random: Gives a number in [0, 1).
    """

    def __init__(
        self,
        first_s: float,
        longest_s: float,
        *,
        random: Callable[[], float] = random.random,
    ) -> None:
        self._first_s = first_s
        self._longest_s = longest_s
        self._random = random
        self._attempts = 0
        self._broken_at: deque[float] = deque(maxlen=_FLAPS)

    def next_s(self) -> float:
        """Return the seconds to wait now: from half to all of the present step."""
        # The power is bounded, since attempts go on for months.
        step_s = min(self._longest_s, self._first_s * 2.0 ** min(self._attempts, 30))
        self._attempts += 1
        return step_s * (0.5 + self._random() / 2)

    def note_broken(self, now: float) -> float:
        """Note that a connection which had worked broke, and return the wait before the next."""
        self._broken_at.append(now)
        often = len(self._broken_at) == _FLAPS and now - self._broken_at[0] < _WINDOW_S
        return max(_PAUSE_S if often else 0.0, self.next_s())

    def note_good(self) -> None:
        """Note that the camera gives frames steadily: waits begin anew."""
        self._attempts = 0
