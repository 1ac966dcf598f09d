"""What looks at a run and steers it from beside the line: a control page, metrics, a factory."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from hsi.runtime.closing import Closing
from hsi.runtime.errors import OptionError

if TYPE_CHECKING:
    from hsi.runtime.live_run import LiveRun

logger = logging.getLogger(__name__)


class Attachment(Protocol):
    """Something that watches and steers a run, open.

    Its port is bound and its library loaded, so what is wrong has been said. Leaving the context
    ends it within two seconds, whether `attach` was called or not.
    """

    @property
    def name(self) -> str:
        """The address, without credentials."""

    def attach(self, live: LiveRun) -> None:
        """Begin, in threads of its own. Returns at once.

        From here on it logs what goes wrong, and tries again where that makes sense: whatever
        happens to it, the line goes on.
        """

    def __enter__(self) -> Attachment: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


@runtime_checkable
class Announced(Protocol):
    """An attachment that its user must be told of."""

    @property
    def notice(self) -> str:
        """One line for the terminal. It may hold a secret, so it is for no log."""


class AttachmentOptions(Protocol):
    """What an attachment was asked to be: a frozen dataclass, which loads no library."""

    def open(self) -> Attachment:
        """Open it.

        Raises:
            OptionError: Its library is not installed; see :func:`missing_library`.
            OutputError: Its port cannot be had.
        """


class Attachments(Closing):
    """All attachments of a run, from before its model is loaded until it has ended.

    Args:
        options: What they shall be.

    Raises:
        HsiError: One cannot be opened.
    """

    def __init__(self, options: Sequence[AttachmentOptions]) -> None:
        self._stack = contextlib.ExitStack()
        with contextlib.ExitStack() as opening:
            self._open = [opening.enter_context(_leaving(one.open())) for one in options]
            self._stack = opening.pop_all()

    def attach(self, live: LiveRun) -> None:
        """Begin all. One that cannot is left out, and the log says so."""
        for one in self._open:
            try:
                one.attach(live)
            except Exception:
                logger.warning("%s: cannot begin, the run goes on without it", one.name)
                logger.debug("fault", exc_info=True)

    @property
    def notices(self) -> list[str]:
        """What the user must be told, and no log."""
        return [one.notice for one in self._open if isinstance(one, Announced)]

    def close(self) -> None:
        """End all. Done twice, it changes nothing more."""
        self._stack.close()


def missing_library(error: ModuleNotFoundError, asked: str, *, extra: str) -> OptionError:
    """Return the error for an option whose library is not installed.

    Args:
        error: What the import raised.
        asked: The option or address, without credentials.
        extra: What brings the library along.
    """
    return OptionError(
        f"{asked}: needs {error.name}, found it missing: pip install 'hsi-edge[{extra}]'"
    )


@contextlib.contextmanager
def _leaving(one: Attachment) -> Iterator[Attachment]:
    """Enter an attachment; a fault when it is left is logged, no more."""
    one.__enter__()
    try:
        yield one
    finally:
        try:
            one.__exit__(None, None, None)
        except Exception:
            logger.warning("%s: did not end well", one.name)
            logger.debug("fault", exc_info=True)
