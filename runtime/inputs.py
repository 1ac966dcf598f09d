"""What the words for sources mean together: cameras at once, or files one after another."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from hsi.runtime.errors import OptionError, SourceError
from hsi.runtime.recorder import Recorder, recorded
from hsi.runtime.source import (
    Source,
    SourceOptions,
    SourceWord,
    could_be_live,
    name_of,
    opener,
)

_POLL_S = 0.1
_OPENING_S = 10.0  # cameras that take longer are missing at the start


@dataclass(frozen=True, kw_only=True)
class Input:
    """One camera, or a row of files."""

    name: str  # the address, without credentials
    first: Source | None  # None: the camera is not there yet
    sources: Iterable[Source]  # the first one and those that follow, opened in turn
    frame_count: int | None = None  # over all sources, None where nobody knows
    reopen: Callable[[], Source] | None = None  # opens the camera again

    @property
    def live(self) -> bool:
        """Whether it is a camera or stream."""
        return self.first is None or self.first.live

    @property
    def fps(self) -> float | None:
        """Frames a second, or None where nobody knows."""
        return None if self.first is None else self.first.fps

    @property
    def size(self) -> tuple[int, int] | None:
        """`(width, height)` of the first source's frames, or None where nobody knows."""
        return None if self.first is None else self.first.size


def open_inputs(
    uris: Sequence[SourceWord],
    *,
    reconnect: bool | None,
    options: SourceOptions | None = None,
    recorders: Sequence[Recorder] = (),
    stack: contextlib.ExitStack,
    stop: threading.Event,
) -> list[Input]:
    """Open sources. Cameras and streams play at once, everything else one after another.

    Args:
        uris: At least one address, or what opens a source.
        reconnect: Whether cameras are opened again; None: yes, but one of them must be there now.
        options: Of network cameras.
        recorders: One for each camera, or none.
        stack: Closes what was opened.
        stop: When set, nothing more is waited for.

    Returns:
        One for each camera, or a single one for all files.

    Raises:
        OptionError: An address is malformed, or a file and a camera without end stand together.
        SourceError: A file, or a camera that is not to be waited for, is not there.
        KeyboardInterrupt: `stop` was set.
    """
    if not all(could_be_live(uri) for uri in uris):
        _refuse_recording(uris, recorders)
        return [_row_of_files(uris, opener(uris[0])(), stack)]
    openers = [opener(uri, options) for uri in uris]
    if recorders:
        addresses = [_address(uri) for uri in uris]
        pairs = zip(addresses, recorders, strict=True)
        openers = [partial(recorded, *pair, options) for pair in pairs]
    found = _open_all(uris, openers, stop)
    there = [one for one in found if not isinstance(one, SourceError)]
    for one in there:
        stack.callback(one.close)
    if all(one.live for one in there):
        missing = [one for one in found if isinstance(one, SourceError)]
        if missing and (reconnect is False or (reconnect is None and not there)):
            raise missing[0]
        return [
            _camera(uri, one, again, reconnect)
            for uri, one, again in zip(uris, found, openers, strict=True)
        ]
    _refuse_recording(uris, recorders)
    if isinstance(found[0], SourceError):
        raise found[0]
    return [_row_of_files(uris, found[0], stack)]


def _address(uri: SourceWord) -> str:
    if not isinstance(uri, str):
        raise OptionError(
            f"--record: expected the address of a camera, found {name_of(uri)}: record it yourself"
        )
    return uri


def _refuse_recording(uris: Sequence[SourceWord], recorders: Sequence[Recorder]) -> None:
    if recorders:
        raise OptionError(
            f"--record: expected cameras or streams, found {name_of(uris[0])}: a file is there "
            "already, copy it"
        )


def _camera(
    uri: SourceWord,
    found: Source | SourceError,
    reopen: Callable[[], Source],
    reconnect: bool | None,
) -> Input:
    def wait_for_it() -> Iterator[Source]:
        yield reopen()

    again = None if reconnect is False else reopen
    if isinstance(found, SourceError):
        return Input(name=name_of(uri), first=None, sources=wait_for_it(), reopen=again)
    return Input(
        name=found.name,
        first=found,
        sources=[found],
        frame_count=found.frame_count,
        reopen=again,
    )


def _row_of_files(uris: Sequence[SourceWord], first: Source, stack: contextlib.ExitStack) -> Input:
    stack.callback(first.close)
    counts = [_checked_count(first, alone=len(uris) == 1)]
    for uri in uris[1:]:
        with opener(uri)() as source:
            counts.append(_checked_count(source, alone=False))
    known = [count for count in counts if count is not None]
    return Input(
        name=first.name,
        first=first,
        sources=_in_turn(first, uris[1:]),
        frame_count=sum(known) if len(known) == len(counts) else None,
    )


def _checked_count(source: Source, *, alone: bool) -> int | None:
    if not alone and source.live and source.frame_count is None:
        raise OptionError(
            f"{source.name}: files play one after another, and this one has no end: give cameras "
            "and streams without files beside them"
        )
    return source.frame_count


def _in_turn(first: Source, others: Sequence[SourceWord]) -> Iterator[Source]:
    yield first
    # Opened in turn: a hundred open videos would take the memory of a hundred decoders.
    for uri in others:
        yield opener(uri)()


def _open_all(
    uris: Sequence[SourceWord], openers: Sequence[Callable[[], Source]], stop: threading.Event
) -> list[Source | SourceError]:
    """Open all at the same time: a camera that does not answer keeps no other waiting."""
    openings = [_Opening(*pair) for pair in zip(uris, openers, strict=True)]
    deadline = time.monotonic() + _OPENING_S
    return [one.result(deadline, stop) for one in openings]


class _Opening:
    def __init__(self, uri: SourceWord, opened: Callable[[], Source]) -> None:
        self._uri = uri
        self._opened = opened
        self._source: Source | None = None
        self._error: BaseException | None = None
        self._given_up = False
        self._changing = threading.Lock()
        self._thread = threading.Thread(target=self._open, name="hsi-open", daemon=True)
        self._thread.start()

    def result(self, deadline: float, stop: threading.Event) -> Source | SourceError:
        while self._thread.is_alive() and time.monotonic() < deadline:
            if stop.is_set():
                raise KeyboardInterrupt
            self._thread.join(_POLL_S)
        with self._changing:
            if self._source is not None:
                return self._source
            self._given_up = True
        if self._error is None:
            return SourceError(
                f"{name_of(self._uri)}: did not open in {_OPENING_S:g} s: check the address, the "
                "camera and the network"
            )
        if isinstance(self._error, SourceError):
            return self._error
        raise self._error

    def _open(self) -> None:
        try:
            source = self._opened()
        except BaseException as error:
            self._error = error
            return
        with self._changing:
            if not self._given_up:
                self._source = source
                return
        source.close()
