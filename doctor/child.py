"""Trials in a process of their own, and what became of them."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from typing import Any

PATIENCE_S = 60.0  # a library's first import on a slow disk


def tried(*words: str) -> list[dict[str, Any]]:
    """What `hsi.doctor.trial` told, one record a line.

    The last record has an `error` where the process crashed, hung or ended with an exception.
    """
    command = [sys.executable, "-m", "hsi.doctor.trial", *words]
    try:
        # In a folder without modules: `-m` looks for them in the current one first.
        done = subprocess.run(
            command, cwd=sys.prefix, capture_output=True, text=True, timeout=PATIENCE_S
        )
    except subprocess.TimeoutExpired:
        return [{"error": f"did not come back within {PATIENCE_S:.0f} s"}]
    records = [found for line in done.stdout.splitlines() if (found := _record(line))]
    if done.returncode:
        records.append({"error": _end(done)})
    return records


def _record(line: str) -> dict[str, Any] | None:
    """A line of ours; libraries may print lines of their own."""
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _end(done: subprocess.CompletedProcess[str]) -> str:
    if done.returncode < 0:
        return f"crashes the process with {signal.Signals(-done.returncode).name}"
    lines = done.stderr.strip().splitlines()
    return lines[-1] if lines else f"ends the process with exit code {done.returncode}"
