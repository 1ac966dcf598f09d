"""The experiment's outcome for readers and for programs."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from hsi.appearance.glyphs.experiment import MethodResult

HEAD = (
    "| method | colour error | texture error | part accuracy | IoU | U-Net forwards | time, ms |",
    "|---|---|---|---|---|---|---|",
)
COLUMNS = ("colour_error_ratio", "texture_error_ratio", "part_accuracy", "iou")


def table(results: Sequence[MethodResult]) -> str:
    """Markdown: one row a method, errors as shares of the first method's, which transfers nothing.

    In brackets are 95 % confidence intervals of the mean over pairs.
    """
    return "\n".join([*HEAD, *(_row(result, results[0]) for result in results)])


def _row(result: MethodResult, baseline: MethodResult) -> str:
    estimates = result.estimates(baseline)
    cells = [result.method, *(str(estimates[name]) for name in COLUMNS)]
    cells += [f"{result.forwards:.0f}", f"{result.processor_ms:.0f}"]
    return f"| {' | '.join(cells)} |"


def notes(results: Sequence[MethodResult]) -> str:
    """What the table has no column for: masks, and classes that a style lacks."""
    lines = ["", "Masks that a method found, IoU with the glyphs:"]
    lines += [f"  {r.method}: {r.mask_iou:.3f}" for r in results if r.mask_iou is not None]
    lines += ["", "A class that the style lacks took the colour of:", missing_lines(results)]
    return "\n".join(lines)


def missing_lines(results: Sequence[MethodResult]) -> str:
    """What becomes of a class that the style lacks, method by method."""
    return "\n".join(
        f"  {result.method}: "
        + ", ".join(f"{part} {count}" for part, count in result.destinations.most_common())
        for result in results
    )


def values(results: Sequence[MethodResult]) -> dict[str, Any]:
    """Plain values for JSON: estimates, counts, and every pair's scores."""
    return {
        "pairs": len(results[0].scores),
        "methods": [
            {
                "method": result.method,
                "estimates": {k: asdict(v) for k, v in result.estimates(results[0]).items()},
                "mask_iou": result.mask_iou,
                "missing_class_took": dict(result.destinations),
                "forwards_per_pair": result.forwards,
                "processor_ms_per_pair": result.processor_ms,
                "scores": {k: v.round(4).tolist() for k, v in vars(result.scores).items()},
            }
            for result in results
        ],
    }
