"""What `hsi-run` does, inside a program."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any

from hsi.runtime.callback_output import CallbackOutput, OnFrame
from hsi.runtime.errors import OptionError
from hsi.runtime.event import Event

if TYPE_CHECKING:
    from hsi.runtime.live_run import LiveRun
    from hsi.runtime.output import OutputWord
    from hsi.runtime.run_summary import RunSummary
    from hsi.runtime.source import SourceWord

StyleWords = str | os.PathLike[str] | Sequence[tuple[str, float]]


class Pipeline:
    """Cameras, or a row of files, through a style, in threads of its own; a context manager.

    For example::

        with hsi.runtime.Pipeline("rtsp://camera/1", style="great-wave", on_frame=show) as line:
            line.live.set_strength(0.8)
            line.wait()

    Entering it opens sources, outputs and the network, and begins; leaving it ends the run within
    five seconds and gives everything back. It runs once.

    Args:
        sources: Addresses, as for `hsi-run`; or what opens a
            :class:`~hsi.runtime.source.Source`, called again where a camera is lost.
        style: A picture, a shipped style's name, or several of them with weights; None: the
            default.
        outputs: Addresses, as for `hsi-run -o`; or what opens an
            :class:`~hsi.runtime.output.Output`, called once for each camera.
        on_frame: Called with each frame and its picture, in a thread for each camera. While it is
            busy, frames of cameras are dropped and those of files wait.
        on_event: Called with each event, in a thread of its own.
        options: Other fields of :class:`hsi.runtime.arguments.Request`.

    What `on_frame` or `on_event` raises ends the run, and is raised by :meth:`wait` and on leaving.

    Raises:
        OptionError: An option has a wrong value, or there is neither output nor `on_frame`.
        TypeError: There is no such option.
    """

    def __init__(
        self,
        *sources: SourceWord | os.PathLike[str],
        style: StyleWords | None = None,
        outputs: Sequence[OutputWord | os.PathLike[str]] = (),
        on_frame: OnFrame | None = None,
        on_event: Callable[[Event], None] | None = None,
        **options: Any,
    ) -> None:
        # Imported here: who stylises single frames needs no cameras.
        from hsi.runtime.arguments import Request

        words = [_word(one) for one in outputs]
        if on_frame is not None:
            words.append(partial(CallbackOutput, on_frame, self._fail))
        if not words:
            raise OptionError("pipeline: expected outputs or on_frame, found neither: give one")
        self._on_event = on_event
        self._request = Request(
            sources=tuple(_word(one) for one in sources),
            outputs=tuple(words),
            styles=_styles(style),
            attachments=(*options.pop("attachments", ()), _Handle(self._begin)),
            **options,
        )
        self._stop = threading.Event()
        self._begun = threading.Event()  # the line plays, or never will
        self._changing = threading.Lock()
        self._thread: threading.Thread | None = None
        self._live: LiveRun | None = None
        self._failure: BaseException | None = None
        self.summary: RunSummary | None = None
        """What the run did; None until it has ended, and where it failed."""

    @property
    def live(self) -> LiveRun:
        """Status and commands of the running line.

        Raises:
            OptionError: It has not begun.
        """
        if self._live is None:
            raise OptionError("pipeline: has not begun: enter it with `with` first")
        return self._live

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return self._thread is not None and not self._thread.is_alive()

    def start(self) -> None:
        """Open everything and begin. What `with` does.

        Raises:
            HsiError: Whatever is wrong with a source, the bundle, a style or an output.
        """
        with self._changing:
            if self._thread is not None:
                raise OptionError("pipeline: has run already: make another one")
            self._thread = threading.Thread(target=self._run, name="hsi-pipeline", daemon=True)
            self._thread.start()
        try:
            self._begun.wait()
        except BaseException:  # Ctrl-C while a camera is opened
            self.close()
            raise
        if self._live is None:
            self._thread.join()
            self._raise_failure()

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait for the end. Returns whether it has come.

        Raises:
            HsiError: What ended the run was a fault.
            Exception: What `on_frame` or `on_event` raised.
        """
        if self._thread is not None:
            self._thread.join(timeout_s)
        if self.over:
            self._raise_failure()
        return self.over

    def stop(self) -> None:
        """Ask for the end, from any thread. What is begun is finished; :meth:`wait` waits."""
        self._stop.set()

    def close(self) -> None:
        """End it, and wait for that. What failed is not raised."""
        self.stop()
        with self._changing:  # else it may be there, and not begun
            thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def __enter__(self) -> Pipeline:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
        if kind is None:
            self._raise_failure()

    def _run(self) -> None:
        from hsi.runtime.player import play

        try:
            self.summary = play(self._request, lambda progress: None, stop=self._stop).summary
        except BaseException as error:
            stopped = isinstance(error, KeyboardInterrupt) and self._stop.is_set()
            if not stopped:  # else while cameras were opened, on request
                self._failure = self._failure or error
        finally:
            self._begun.set()

    def _begin(self, live: LiveRun) -> None:
        if self._on_event is not None:
            live.subscribe(self._tell)
        self._live = live
        self._begun.set()

    def _tell(self, event: Event) -> None:
        assert self._on_event is not None
        try:
            self._on_event(event)
        except BaseException as error:
            self._fail(error)

    def _fail(self, error: BaseException) -> None:
        self._failure = self._failure or error
        self._stop.set()

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure


class _Handle:
    """Hands the face of the run over when it has begun."""

    name = "pipeline"

    def __init__(self, begin: Callable[[LiveRun], None]) -> None:
        self.attach = begin

    def open(self) -> _Handle:
        return self

    def __enter__(self) -> _Handle:
        return self

    def __exit__(self, *reason: object) -> None:
        pass


def _word(one: Any) -> Any:
    return os.fspath(one) if isinstance(one, os.PathLike) else one


def _styles(style: StyleWords | None) -> tuple[tuple[str, float], ...]:
    if style is None:
        return ()
    if isinstance(style, (str, os.PathLike)):
        return ((os.fspath(style), 1.0),)
    return tuple((os.fspath(one), weight) for one, weight in style)
