"""What ``auto`` tried on this machine, and why each precision was taken or left."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

FP32, FP16, INT8 = "fp32", "fp16", "int8"
WHERE = {FP16: "on CUDA alone", INT8: "in OpenVINO, where there is no CUDA"}


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One precision on the engine that suits it best here."""

    precision: str
    reason: str  # why it was taken or left
    engine: str = "-"  # none where the graph could not be made
    ms: float | None = None  # median of a 1280x720 frame; None: not good enough to be timed
    taken: bool = False


def trials_of(
    engines: Mapping[str, str],
    times: Mapping[str, float],
    runs_here: Collection[str],
) -> tuple[Trial, ...]:
    """Take the fastest of those that are good enough and that ``hsi-run`` would run here.

    Args:
        engines: What each precision ran on, by precision. FP32 is one of them.
        times: Milliseconds of those that pass the gate, FP32 among them.
        runs_here: Precisions that ``hsi-run`` would take on this machine, FP32 among them.

    Returns:
        One for each precision. FP32, which every bundle holds, is never "taken".
    """
    fit = [name for name in engines if name in times and name in runs_here]
    fastest = min(fit, key=lambda name: times[name])
    return tuple(
        Trial(
            precision=name,
            engine=engine,
            ms=times.get(name),
            taken=name == fastest != FP32,
            reason=_reason(name, fastest, times),
        )
        for name, engine in engines.items()
    )


def _reason(name: str, fastest: str, times: Mapping[str, float]) -> str:
    if name == FP32:
        return "every bundle holds it"
    if name not in times:
        return "left: fails the quality gate"
    if name == fastest:
        return "taken: the fastest that is good enough"
    if times[name] < times[fastest]:
        return f"left: hsi-run takes it {WHERE[name]}"
    return f"left: slower than {fastest}"


def trial_table(trials: Sequence[Trial]) -> str:
    """One line for each precision."""
    lines = ["auto, medians of a 1280x720 frame on this machine:"]
    for one in trials:
        ms = "-" if one.ms is None else f"{one.ms:.1f} ms"
        lines.append(f"{one.precision:>10s} {one.engine:>16s} {ms:>10s}  {one.reason}")
    return "\n".join(lines)
