"""A run in a thread of its own, to steer and to watch."""

from __future__ import annotations

import threading
from typing import Any

from hsi.runtime.arguments import Request
from hsi.runtime.live_run import LiveRun
from hsi.runtime.player import PlayResult, play


class LivePlay:
    """The shipped bundle in a thread of its own, and the face of the run.

    Args:
        words: Fields of the request; a small test camera without them.
    """

    live: LiveRun
    name = "watcher"

    def __init__(self, **words: Any) -> None:
        words.setdefault("sources", ("test://96x64@30",))
        words.setdefault("outputs", ("null:",))
        attachments = (*words.pop("attachments", ()), self)
        options = {"verify": False, "threads": 1, **words}
        self._request = Request(attachments=attachments, **options)
        self._begun = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._play, daemon=True)
        self.result: PlayResult | None = None
        self.error: BaseException | None = None

    def open(self) -> LivePlay:
        return self

    def attach(self, live: LiveRun) -> None:
        self.live = live
        self._begun.set()

    def __enter__(self) -> LivePlay:
        return self

    def __exit__(self, *reason: object) -> None:
        pass

    def start(self) -> LiveRun:
        """Return the run once it plays."""
        self._thread.start()
        assert self._begun.wait(30), self.error
        return self.live

    def end(self) -> PlayResult | None:
        """Stop it, or wait for its end. Returns what it did."""
        self._stop.set()
        self._thread.join(30)
        return self.result

    def _play(self) -> None:
        try:
            self.result = play(self._request, lambda progress: None, stop=self._stop)
        except BaseException as error:
            self.error = error
