"""Events for listeners that may be slow, so that no camera waits for them."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from queue import SimpleQueue

from hsi.runtime.event import Event

logger = logging.getLogger(__name__)

_WAITING = 1000  # events that may wait for a listener; what comes then is lost to it

Listener = Callable[[Event], None]
_Mailbox = SimpleQueue[Event | None]


class EventFeed:
    """Tells each listener of events in a thread of its own. For any thread."""

    def __init__(self) -> None:
        self._changing = threading.Lock()
        self._mailboxes: tuple[_Mailbox, ...] = ()

    def note(self, event: Event) -> None:
        """Take an event. Returns at once."""
        for mailbox in self._mailboxes:
            if mailbox.qsize() < _WAITING:
                mailbox.put(event)

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Tell a listener of every event from now on.

        Args:
            listener: What it raises is logged.

        Returns:
            Ends that, once what waits is told.
        """
        mailbox: _Mailbox = SimpleQueue()
        with self._changing:
            self._mailboxes = (*self._mailboxes, mailbox)
        words = (mailbox, listener)
        threading.Thread(target=_tell, args=words, name="hsi-events", daemon=True).start()

        def unsubscribe() -> None:
            with self._changing:
                self._mailboxes = tuple(one for one in self._mailboxes if one is not mailbox)
            mailbox.put(None)

        return unsubscribe

    def close(self) -> None:
        """End every subscription."""
        with self._changing:
            mailboxes, self._mailboxes = self._mailboxes, ()
        for mailbox in mailboxes:
            mailbox.put(None)


def _tell(mailbox: _Mailbox, listener: Listener) -> None:
    while (event := mailbox.get()) is not None:
        try:
            listener(event)
        except Exception:
            logger.warning("a listener failed at the event %s", event, exc_info=True)
