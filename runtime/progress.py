"""The progress line and the closing table of `hsi-run`, in words."""

from __future__ import annotations

import logging
import shutil
import time
from typing import TextIO

from hsi.runtime.run_summary import CameraSummary, Progress, RunSummary
from hsi.runtime.scene_watch import DriftSummary
from hsi.runtime.uri import redact_words

_PLAIN_LINE_S = 10.0  # how often a log file, which cannot be overwritten, gets a line
_ERASE = "\r\x1b[2K"


class ProgressLine:
    """One line that follows a run: rewritten on a terminal, a plain line now and then elsewhere.

    Args:
        stream: Where it goes, usually stderr.
        quiet: Say nothing.
    """

    def __init__(self, stream: TextIO, *, quiet: bool = False) -> None:
        self._stream = stream
        self._quiet = quiet
        self._terminal = stream.isatty()
        self._shown = False
        self._plain_at = time.monotonic()

    def __call__(self, progress: Progress) -> None:
        """Show where the run stands."""
        if self._quiet:
            return
        text = text_of_progress(progress)
        if self._terminal:
            width = shutil.get_terminal_size().columns - 1
            print(_ERASE + text[:width], end="", file=self._stream, flush=True)
            self._shown = True
        elif time.monotonic() - self._plain_at >= _PLAIN_LINE_S:
            self._plain_at = time.monotonic()
            print(text, file=self._stream, flush=True)

    def clear(self) -> None:
        """Take the line away, so that something else can be printed."""
        if self._shown:
            print(_ERASE, end="", file=self._stream, flush=True)
            self._shown = False


class LineHandler(logging.Handler):
    """A log handler that keeps clear of the progress line, and keeps passwords to itself."""

    def __init__(self, stream: TextIO, line: ProgressLine) -> None:
        super().__init__()
        self._stream = stream
        self._line = line

    def emit(self, record: logging.LogRecord) -> None:
        """Take the line away, then log."""
        text = self.text_of(record)
        self._line.clear()
        print(f"{text}\n", end="", file=self._stream, flush=True)  # in one piece: threads log

    def text_of(self, record: logging.LogRecord) -> str:
        """Return what to print of a record."""
        return redact_words(self.format(record))


def text_of_progress(progress: Progress) -> str:
    """Return the progress as one line."""
    total = "" if progress.expected is None else f"/{progress.expected}"
    parts = [f"{progress.shown}{total} frames", f"{progress.fps:.1f} fps"]
    if progress.left_s is not None:
        parts.append(f"{_clock(progress.left_s)} left")
    else:
        parts.append(_clock(progress.elapsed_s))
    for name, stage in progress.stages.items():
        parts.append(f"{name.replace('_', ' ')} {stage.p50_ms:.1f}/{stage.p95_ms:.1f} ms")
    if progress.dropped:
        parts.append(f"{progress.dropped} dropped")
    if progress.drift is not None:
        parts.append(f"drift {progress.drift:.2f}")
    return " · ".join(parts)


def text_of_summary(summary: RunSummary) -> str:
    """Return the summary as a table and two sentences."""
    lines = [f"{'stage':<12}{'p50 ms':>10}{'p95 ms':>10}{'mean ms':>10}"]
    for name, stage in summary.stages.items():
        label = name.replace("_", " ")
        lines.append(f"{label:<12}{stage.p50_ms:10.2f}{stage.p95_ms:10.2f}{stage.mean_ms:10.2f}")
    lines.append(
        f"{summary.shown} frames in {summary.elapsed_s:.2f} s: {summary.fps:.2f} fps"
        + (
            ""
            if summary.overhead_ms is None
            else f", overhead {summary.overhead_ms:.2f} ms a frame"
        )
    )
    if any(summary.dropped.values()):
        lines.append(_account_line(summary))
    if len(summary.cameras) > 1:
        lines += [f"{name}: {_account_line(one)}" for name, one in summary.cameras.items()]
    counts = {kind: n for kind, n in summary.event_counts.items() if kind != "connected"}
    if counts:
        lines.append("events: " + ", ".join(f"{n} {kind}" for kind, n in counts.items()))
    lines += [f"{name}: {_drift_line(one)}" for name, one in summary.drift.items()]
    if summary.collected:
        lines.append(f"{summary.collected} frames collected")
    return "\n".join(lines)


def _drift_line(one: DriftSummary) -> str:
    return (
        f"drift {one.mean:.2f} on average, {one.worst:.2f} at worst, outside the calibration set "
        f"{one.outside_share:.0%} of the time"
    )


def _account_line(one: RunSummary | CameraSummary) -> str:
    dropped = [f"{n} {cause.replace('_', ' ')}" for cause, n in one.dropped.items() if n]
    return f"{one.captured} captured, dropped: {', '.join(dropped) or 'none'}"


def _clock(seconds: float) -> str:
    minutes, second = divmod(round(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02d}:{second:02d}" if hours else f"{minute}:{second:02d}"
