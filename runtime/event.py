"""What happens to cameras and outputs during a run, as records."""

from __future__ import annotations

import enum
import logging
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import asdict, dataclass, field

logger = logging.getLogger(__name__)

_KEPT = 1000  # events; a run of months counts all and keeps the last


class EventKind(str, enum.Enum):
    """What happened."""

    CONNECTED = "connected"  # a camera gave its first frame
    MISSING = "missing"  # a camera is not there at the start
    STALLED = "stalled"  # no frame came for too long; its reader is given up
    LOST = "lost"  # the camera or the connection went away
    RECONNECTING = "reconnecting"  # an attempt has failed, the next one follows
    RETURNED = "returned"  # frames come again
    SIZE_CHANGED = "size changed"  # frames have another size than before
    NETWORK_FAILED = "network failed"  # the engine gave no picture
    NETWORK_RETURNED = "network returned"
    OUTPUT_FAILED = "output failed"  # an output is given up
    STYLE_CHANGED = "style changed"
    RESOLUTION_LOWERED = "resolution lowered"  # frames take too long; the network sees less
    RESOLUTION_RAISED = "resolution raised"


_LEVELS = {
    EventKind.CONNECTED: logging.INFO,
    EventKind.SIZE_CHANGED: logging.INFO,
    EventKind.STYLE_CHANGED: logging.INFO,
    EventKind.RESOLUTION_RAISED: logging.INFO,
}


@dataclass(frozen=True, kw_only=True)
class Event:
    """One thing that happened."""

    kind: EventKind
    subject: str  # the camera or output, without credentials
    detail: str = ""  # why, or what follows
    seconds: float | None = None  # silence before a stall, outage before a return, wait ahead
    time_s: float = field(default_factory=time.time)  # Unix time

    @property
    def level(self) -> int:
        """How bad it is, as levels of `logging` go."""
        return _LEVELS.get(self.kind, logging.WARNING)

    def __str__(self) -> str:
        return ": ".join(part for part in (self.subject, self.kind.value, self.detail) if part)


class EventLog:
    """Logs every event in one line, counts all and keeps the last thousand. For any thread.

    Args:
        on_event: Told of each, in the thread where it happened.
    """

    def __init__(self, on_event: Callable[[Event], None] | None = None) -> None:
        self._listeners = () if on_event is None else (on_event,)
        self._events: deque[Event] = deque(maxlen=_KEPT)
        self._counts: Counter[str] = Counter()
        self._changing = threading.Lock()

    def note(self, event: Event) -> None:
        """Take an event."""
        with self._changing:
            self._events.append(event)
            self._counts[event.kind.value] += 1
        logger.log(event.level, "%s", event, extra={"told": {"event": asdict(event)}})
        for listener in self._listeners:
            listener(event)

    def listen(self, listener: Callable[[Event], None]) -> None:
        """Tell one more of each event, in the thread where it happens."""
        with self._changing:
            self._listeners = (*self._listeners, listener)

    @property
    def events(self) -> tuple[Event, ...]:
        """The last thousand, oldest first."""
        with self._changing:
            return tuple(self._events)

    @property
    def counts(self) -> dict[str, int]:
        """How many there were of each kind."""
        with self._changing:
            return dict(self._counts)
