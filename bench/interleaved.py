"""Fair timing: every contestant once per round, so that a slow minute hits all alike."""

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

PAUSE_S = 0.1  # threads of the one before spin for a while, and would take the next one's cores
Run = Callable[[], object]


@dataclass(frozen=True, kw_only=True)
class Timing:
    """Milliseconds of one contestant over the rounds."""

    median_ms: float
    best_ms: float
    worst_ms: float


def interleaved(
    runs: Mapping[str, Run], rounds: int = 9, *, in_a_row: int = 1
) -> dict[str, Timing]:
    """Time callables in turn, after one warm-up of each.

    Args:
        runs: Contestants by name.
        rounds: How often each has its turn.
        in_a_row: Calls a turn, whose mean counts. With one, threads and caches are cold after the
            pause; a stream finds them as the frame before left them.
    """
    for run in runs.values():
        run()
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            time.sleep(PAUSE_S)
            start = time.perf_counter()
            for _ in range(in_a_row):
                run()
            times[name].append(1e3 * (time.perf_counter() - start) / in_a_row)
    return {
        name: Timing(median_ms=statistics.median(t), best_ms=min(t), worst_ms=max(t))
        for name, t in times.items()
    }
