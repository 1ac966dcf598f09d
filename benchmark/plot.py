"""A comparison as a picture."""

from __future__ import annotations

import os
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hsi.benchmark.result import BenchResult, Row
from hsi.runtime.attachment import missing_library
from hsi.runtime.errors import OptionError, OutputError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

KINDS = (".png", ".svg")

_BAR, _DEVICE, _LINE = "#8fb3cf", "#2f6690", "#30343b"  # told apart in grey, too
_WIDTH, _ROW, _MARGIN = 9.0, 0.42, 0.95  # inches


def check_plot(path: Path) -> None:
    """Find out before a measurement whether its picture can be written.

    Raises:
        OptionError: The ending is another, or the library is not installed.
        OutputError: The folder is not there.
    """
    if path.suffix.lower() not in KINDS:
        raise OptionError(f"--plot: expected a name that ends in .png or .svg, found {path.name!r}")
    if not path.parent.is_dir():
        raise OutputError(f"{path}: cannot be written: the folder does not exist: create it first")
    try:
        import matplotlib.figure  # noqa: F401
    except ModuleNotFoundError as error:
        raise missing_library(error, "--plot", extra="plot") from error


def write_plot(result: BenchResult, path: Path) -> None:
    """Draw a bar a contestant, to its median, with a line to its 95th and a tick at its 99th.

    Args:
        result: What was found.
        path: A `.png` or `.svg`; what stood there is replaced.

    Raises:
        OutputError: It cannot be written.
    """
    from matplotlib.figure import Figure

    sizes = [list(rows) for _, rows in groupby(result.rows, lambda row: (row.width, row.height))]
    heights = [len(rows) for rows in sizes]
    figure = Figure((_WIDTH, sum(heights) * _ROW + len(sizes) * _MARGIN), layout="constrained")
    figure.suptitle(
        f"{Path(result.model).name} on {', '.join(result.machine.values())}", fontsize=9
    )
    many = figure.subplots(len(sizes), squeeze=False, height_ratios=heights)
    for axes, rows in zip(many[:, 0], sizes, strict=True):
        _draw(axes, rows)
    many[-1, 0].set_xlabel("ms a frame, transfers included: bar p50, line to p95, tick p99")
    _save(figure, path)


def _draw(axes: Axes, rows: Sequence[Row]) -> None:
    places = range(len(rows))
    p50, p95, p99 = (
        [getattr(row.timing, name) for row in rows] for name in ("p50_ms", "p95_ms", "p99_ms")
    )
    axes.barh(places, p50, height=0.62, color=_BAR)
    device = [row.compute_ms or 0.0 for row in rows]
    if any(device):
        axes.barh(places, device, height=0.3, color=_DEVICE, label="of it on the device")
        axes.legend(loc="best", fontsize=8, frameon=False)
    axes.hlines(places, p50, p95, color=_LINE, linewidth=1.2)
    axes.plot(p99, places, "|", color=_LINE, markersize=9)
    axes.set_yticks(places, [f"{row.engine} {row.precision}" for row in rows])
    axes.invert_yaxis()
    axes.set_xlim(0, max(p99) * 1.32)  # room for the text
    for place, row in zip(places, rows, strict=True):
        text = f"{row.timing.p50_ms:.1f} ms, {row.timing.per_second:.1f} fps"
        axes.annotate(
            text, (row.timing.p99_ms, place), xytext=(8, 0), textcoords="offset points",
            va="center", fontsize=8,
        )  # fmt: skip
    axes.set_title(f"{rows[0].width}x{rows[0].height}", loc="left", fontsize=10)
    axes.spines[["top", "right"]].set_visible(False)


def _save(figure: Any, path: Path) -> None:
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        figure.savefig(part, format=path.suffix.lower()[1:], dpi=144)
        os.replace(part, path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise OutputError(
            f"{path}: cannot be written: {error.strerror}: choose another place"
        ) from error
