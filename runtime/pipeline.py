"""From sources through a stylizer to outputs, each at work while the others are."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence

from hsi.runtime.event import Event, EventKind
from hsi.runtime.feed import Feed, Stylize
from hsi.runtime.frame_queue import QueueEnd, Turns
from hsi.runtime.kept_threads import Task
from hsi.runtime.lane import Lane
from hsi.runtime.native_calls import STEPS
from hsi.runtime.output import Output
from hsi.runtime.output_worker import OutputWorker
from hsi.runtime.run_options import RunOptions
from hsi.runtime.run_parts import RunningCamera, RunParts
from hsi.runtime.run_state import RunState
from hsi.runtime.run_summary import Progress, RunSummary
from hsi.runtime.source import Source
from hsi.runtime.supervisor import TICK_S, Supervisor

logger = logging.getLogger(__name__)

_POLL_S = 0.1  # how soon a thread notices that it shall leave


def run_stream(
    sources: Iterable[Source],
    stylize: Stylize,
    outputs: Sequence[Output],
    options: RunOptions | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    *,
    stop: threading.Event | None = None,
) -> RunSummary:
    """Play sources, one after another, through a stylizer into all outputs.

    As :func:`run_feeds` with one feed, where nothing is tried again.

    Args:
        sources: Open sources. Each is taken when its turn comes (a generator may open it then)
            and closed when it ends.
        stylize: Takes a frame and returns `(H, W, 3)` uint8 BGR, which it does not write again.
            The frame's image is not written.
        outputs: Entered contexts, all get every frame. The caller leaves them.
        options: How the run goes and when it ends.
        on_progress: Told where the run stands, every `progress_s`.
        stop: As for :func:`run_feeds`.
    """
    feed = Feed(name="sources", sources=sources, stylize=stylize, outputs=outputs)
    return run_feeds([feed], options, on_progress, stop=stop)


def run_feeds(
    feeds: Sequence[Feed],
    options: RunOptions | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    *,
    stop: threading.Event | None = None,
    on_event: Callable[[Event], None] | None = None,
    on_start: Callable[[RunParts], None] = lambda parts: None,
) -> RunSummary:
    """Play several cameras at once, or one row of files, through stylizers that share an engine.

    Every camera is read in a thread of its own and every output written in one; the network has
    one thread, in which the cameras take turns. An output that must not leave the caller's thread
    is written there, and `on_progress` called.

    Args:
        feeds: At least one.
        options: How the run goes and when it ends; `frames` and `duration_s` hold for each feed.
        on_progress: Told where the run stands, every `progress_s`.
        stop: When set, the run ends soon: what is begun is finished and written, what waits is
            dropped.
        on_event: Told what happens to cameras and outputs, in the thread where it does.
        on_start: Given what can be looked at while the run goes on, in the order of the feeds.

    Returns:
        What the run did. An output that failed while another went on is among its events.

    Raises:
        SourceError, FrameError, EngineError, OutputError, …: What the stylizer or, once all feeds
            have ended, a source or the last output of a feed raised, in this thread.
        SourceLost: A live source that is not tried again went away or was silent for `stall_s`.
    """
    state = RunState(
        options or RunOptions(), stop or threading.Event(), on_event, alone=len(feeds) == 1
    )
    return _Run(feeds, state).play(on_progress or (lambda progress: None), on_start)


class _Run:
    def __init__(self, feeds: Sequence[Feed], state: RunState) -> None:
        self._state = state
        self._options = state.options
        self._lanes = [Lane(feed, state) for feed in feeds]
        self._turns = Turns([lane.frames for lane in self._lanes], state.changed)
        self._inferred = threading.Event()  # the network's thread has handed over all it will
        self._supervisors: list[Supervisor] = []
        self._stop_seen: float | None = None

    @property
    def _outputs(self) -> list[OutputWorker]:
        # A recording may have begun or ended meanwhile.
        return [output for lane in self._lanes for output in lane.outputs]

    def play(
        self, on_progress: Callable[[Progress], None], on_start: Callable[[RunParts], None]
    ) -> RunSummary:
        self._supervisors = [
            Supervisor(lane.feed, lane, self._options, lane.note) for lane in self._lanes
        ]
        threads = [
            # They may hang in a library: nobody waits for them for long, and they do not keep
            # the process alive.
            threading.Thread(target=self._supervise, name="hsi-supervise", daemon=True),
            threading.Thread(target=self._infer, name="hsi-infer", daemon=True),
        ]
        try:
            on_start(self._parts())  # before anything can happen
            for thread in threads:
                thread.start()
            self._deliver(on_progress)
        finally:
            self._dismiss([thread for thread in threads if thread.ident is not None])
        self._raise_failure()
        return self._state.meter.summary(
            outputs=tuple(output.output.name for output in self._outputs),
            accounts={name: lane.account for name, lane in _named(self._lanes).items()},
            log=self._state.log,
            stopped=self._state.stopped,
        )

    def _parts(self) -> RunParts:
        pairs = zip(_named(self._lanes).items(), self._supervisors, strict=True)
        cameras = tuple(
            RunningCamera(name=name, lane=lane, supervisor=supervisor)
            for (name, lane), supervisor in pairs
        )
        return RunParts(cameras=cameras, meter=self._state.meter, log=self._state.log)

    # The supervisors' thread.

    def _supervise(self) -> None:
        try:
            while not self._state.leaving and not all(s.finished for s in self._supervisors):
                self._tick(time.monotonic())
                time.sleep(TICK_S)
        except BaseException as error:
            self._state.fail(error)

    def _tick(self, now: float) -> None:
        for supervisor, lane in zip(self._supervisors, self._lanes, strict=True):
            if supervisor.finished:
                continue
            supervisor.tick(now)
            lane.fill(now)
            if lane.is_over(now):
                supervisor.leave()
            if supervisor.finished:
                lane.frames.finish()
                self._tell_end(supervisor, lane)

    def _tell_end(self, supervisor: Supervisor, lane: Lane) -> None:
        # Alone, the run ends with this error; else the others go on, and somebody shall know.
        if supervisor.error is not None and not self._state.alone:
            name = lane.feed.name
            detail = str(supervisor.error).removeprefix(f"{name}: ")
            lane.note(Event(kind=EventKind.LOST, subject=name, detail=detail))

    # The network's thread.

    def _infer(self) -> None:
        try:
            while not self._state.leaving:
                self._play_next()
        except QueueEnd:
            pass
        except BaseException as error:
            self._state.fail(error)
        finally:
            for lane in self._lanes:
                lane.end()
                lane.finish()
            self._inferred.set()

    def _play_next(self) -> None:
        found = self._turns.get(_POLL_S)
        if found is not None:
            place, frame = found
            with STEPS.step():
                self._lanes[place].play(frame)

    # The caller's thread.

    def _deliver(self, on_progress: Callable[[Progress], None]) -> None:
        bound = [output for output in self._outputs if output.thread is None]
        while not self._inferred.is_set() or not all(output.done for output in self._outputs):
            bound = [output for output in bound if not output.done]
            for output in bound:
                output.step(_POLL_S / len(bound))
            if not bound:
                self._wait()
            dropped = sum(sum(lane.account.dropped.values()) for lane in self._lanes)
            if (progress := self._state.meter.due_progress(dropped=dropped)) is not None:
                on_progress(progress)
            if self._is_late():
                logger.warning("the frames in work do not end in time: they are dropped")
                return

    def _wait(self) -> None:
        if not self._inferred.wait(_POLL_S):
            return
        for output in self._outputs:
            if output.thread is not None and not output.done:
                output.thread.join(_POLL_S)
                return

    def _is_late(self) -> bool:
        # Files are written to the end however long it takes; a camera's output may hang.
        ending = self._inferred.is_set() and all(lane.newest_wins for lane in self._lanes)
        if not self._state.leaving and not ending:
            return False
        self._stop_seen = self._stop_seen or time.monotonic()
        return time.monotonic() - self._stop_seen > self._options.drain_s

    def _dismiss(self, threads: Sequence[threading.Thread]) -> None:
        self._state.leave.set()
        workers = [worker for one in self._supervisors for worker in one.leave()]
        for lane in self._lanes:
            lane.end()
        for output in self._outputs:
            output.abandon()
        deadline = (self._stop_seen or time.monotonic()) + self._options.drain_s
        outputs = [output.thread for output in self._outputs if output.thread]
        ending: list[threading.Thread | Task] = [worker.task for worker in workers]
        ending += [*threads, *outputs]
        left = [thread for thread in ending if not _ended(thread, deadline)]
        for thread in left:
            logger.warning("%s does not end: left behind", thread.name)
        for lane in self._lanes:
            lane.account.close(threads_left=bool(left))

    def _raise_failure(self) -> None:
        errors = [
            self._state.failure,
            *(one.error for one in self._supervisors),
            *(lane.output_error for lane in self._lanes),
        ]
        for error in errors:
            if error is not None:
                raise error


def _ended(thread: threading.Thread | Task, deadline: float) -> bool:
    thread.join(max(0.0, deadline - time.monotonic()))
    return not thread.is_alive()


def _named(lanes: Sequence[Lane]) -> dict[str, Lane]:
    """Return the lanes by name, a second camera of a name with its place behind."""
    named: dict[str, Lane] = {}
    for place, lane in enumerate(lanes, 1):
        name = lane.feed.name if lane.feed.name not in named else f"{lane.feed.name} #{place}"
        named[name] = lane
    return named
