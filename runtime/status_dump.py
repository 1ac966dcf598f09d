"""The status of a run on standard error, whenever a signal asks for it."""

from __future__ import annotations

import json
import signal
import threading
from dataclasses import dataclass
from types import FrameType, TracebackType
from typing import Any, TextIO

from hsi.runtime.json_log import redacted
from hsi.runtime.live_run import LiveRun


@dataclass(frozen=True, kw_only=True)
class StatusDumpOptions:
    """Where a status goes when this process gets SIGUSR1. For the main thread, not on Windows."""

    stream: TextIO
    indent: int | None = 2  # None: on one line

    def open(self) -> StatusDump:
        """See :class:`hsi.runtime.attachment.AttachmentOptions`."""
        return StatusDump(self)


class StatusDump:
    """Writes a status as JSON at each SIGUSR1. See :mod:`hsi.runtime.attachment`.

    Args:
        options: Where to.
    """

    name = "SIGUSR1"

    def __init__(self, options: StatusDumpOptions) -> None:
        self._options = options
        self._live: LiveRun | None = None
        self._asked = threading.Event()
        self._ended = False
        self._before = signal.signal(signal.SIGUSR1, self._ask)
        # In a thread: the signal may have come while this one held what a status needs.
        self._thread = threading.Thread(target=self._answer, name="hsi-status", daemon=True)
        self._thread.start()

    def attach(self, live: LiveRun) -> None:
        """Tell of this run."""
        self._live = live

    def __enter__(self) -> StatusDump:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        signal.signal(signal.SIGUSR1, self._before)
        self._ended = True
        self._asked.set()
        self._thread.join(1.0)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        self._asked.set()

    def _answer(self) -> None:
        while self._asked.wait() and not self._ended:
            self._asked.clear()
            text = json.dumps(redacted(self._status()), indent=self._options.indent)
            print(text, file=self._options.stream, flush=True)

    def _status(self) -> dict[str, Any]:
        live = self._live
        return {"status": "loading" if live is None else live.status().as_dict()}
