"""From sources through a stylizer to outputs, each at work while the others are."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from hsi.runtime.frame import Frame, Image
from hsi.runtime.frame_queue import FrameQueue, QueueEnd
from hsi.runtime.output import Output, ViewerClosed
from hsi.runtime.run_meter import RunMeter
from hsi.runtime.run_options import Policy, RunOptions
from hsi.runtime.run_summary import Progress, RunSummary
from hsi.runtime.source import EndOfStream, Source, SourceLost
from hsi.runtime.stream_clock import StreamClock

logger = logging.getLogger(__name__)

Stylize = Callable[[Frame], Image]

_STYLED_QUEUE = 1
RING_SLOTS = _STYLED_QUEUE + 2
"""How many results of `stylize` the pipeline holds at once: written, waiting, being made."""

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

    Reading, the network and writing overlap: reading and the network each have a thread, the
    outputs and `on_progress` are called in the caller's thread.

    Args:
        sources: Open sources. Each is taken when its turn comes (a generator may open it then)
            and closed when it ends.
        stylize: Takes a frame and returns `(H, W, 3)` uint8 BGR. The pipeline still uses a result
            during the next `RING_SLOTS - 1` calls, and not after. The frame's image is not written.
        outputs: Entered contexts, all get every frame. The caller leaves them.
        options: How the run goes and when it ends.
        on_progress: Told where the run stands, every `progress_s`.
        stop: When set, the run ends soon: what is begun is finished and written, what waits is
            dropped.

    Returns:
        What the run did.

    Raises:
        SourceError, FrameError, EngineError, OutputError, …: What a source, the stylizer or an
            output raised, in this thread.
        SourceLost: A live source went away or was silent for `stall_s`.
    """
    run = _Run(sources, stylize, outputs, options or RunOptions(), stop or threading.Event())
    return run.play(on_progress or (lambda progress: None))


@dataclass(frozen=True, kw_only=True)
class _Captured:
    frame: Frame
    at: float


@dataclass(frozen=True, kw_only=True)
class _Styled:
    source: _Captured
    image: Image


class _Run:
    def __init__(
        self,
        sources: Iterable[Source],
        stylize: Stylize,
        outputs: Sequence[Output],
        options: RunOptions,
        stop: threading.Event,
    ) -> None:
        self._sources = sources
        self._stylize = stylize
        self._outputs = outputs
        self._options = options
        self._stop = stop  # from outside
        self._leave = threading.Event()  # from inside: somebody failed, or all is done
        self._captured: FrameQueue[_Captured] = FrameQueue(options.queue)
        self._styled: FrameQueue[_Styled] = FrameQueue(_STYLED_QUEUE)
        self._meter = RunMeter(expected=_expected(options), progress_s=options.progress_s)
        self._clock: StreamClock | None = None
        self._live: str | None = None  # the name of the live source being read
        self._heard_at = 0.0  # when it last gave a frame
        self._closed = False  # the viewer's window
        self._stop_seen: float | None = None

    def play(self, on_progress: Callable[[Progress], None]) -> RunSummary:
        threads = [
            # Both may hang in a library that does not keep its time limits: nothing waits for
            # them for long, and they do not keep the process alive.
            threading.Thread(target=self._capture, name="hsi-capture", daemon=True),
            threading.Thread(target=self._infer, name="hsi-infer", daemon=True),
        ]
        for thread in threads:
            thread.start()
        try:
            self._deliver(on_progress)
        finally:
            self._dismiss(threads)
        return self._meter.summary(
            outputs=tuple(output.name for output in self._outputs),
            captured=self._captured.accepted,
            newer=self._captured.replaced,
            stopped=self._stop.is_set() or self._closed,
        )

    def _dismiss(self, threads: Sequence[threading.Thread]) -> None:
        self._leave.set()
        self._captured.abandon()
        self._styled.abandon()
        deadline = (self._stop_seen or time.monotonic()) + self._options.drain_s
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
            if thread.is_alive():
                logger.warning("%s does not end: left behind", thread.name)

    def _leaving(self) -> bool:
        return self._stop.is_set() or self._leave.is_set()

    # The capture thread.

    def _capture(self) -> None:
        try:
            for source in self._sources:
                with source:
                    self._meter.note_source(source)
                    if not self._read_all(source):
                        break
            self._captured.finish()
        except BaseException as error:
            self._captured.finish(error)
        finally:
            self._live = None

    def _read_all(self, source: Source) -> bool:
        """Read one source. Returns whether the next one shall follow."""
        policy = self._options.policy or (Policy.LATEST if source.live else Policy.EVERY)
        self._heard_at = time.monotonic()
        self._live = source.name if source.live else None
        for frame in self._frames_of(source):
            stream_s = self._stream_time(source, frame)
            if not self._wanted(policy, stream_s):
                return False
            if policy is Policy.LATEST and not source.live:
                self._wait_until(stream_s)  # a file played as if it were a camera
            job = _Captured(frame=self._resized(frame), at=time.monotonic())
            if not self._captured.put(job, newest_wins=policy is Policy.LATEST):
                return False
        self._live = None
        return not self._leaving()

    def _frames_of(self, source: Source) -> Iterator[Frame]:
        begun = time.monotonic()
        while not self._leaving():
            try:
                frame = source.read(_POLL_S)
            except EndOfStream:
                return
            if frame is None:
                continue
            self._heard_at = time.monotonic()
            self._meter.times.add("capture", self._heard_at - begun)
            yield frame
            begun = time.monotonic()

    def _stream_time(self, source: Source, frame: Frame) -> float:
        if self._clock is None:
            self._clock = StreamClock(1 / (source.fps or 25.0))
        return self._clock.at(frame)

    def _wanted(self, policy: Policy, stream_s: float) -> bool:
        options = self._options
        if options.duration_s is not None and stream_s >= options.duration_s:
            return False
        # Under `latest` captured frames may be dropped: there the network counts.
        full = options.frames is not None and self._captured.accepted >= options.frames
        return policy is Policy.LATEST or not full

    def _wait_until(self, stream_s: float) -> None:
        due = self._meter.started_at + stream_s
        while not self._leaving() and (left := due - time.monotonic()) > 0:
            self._leave.wait(min(left, _POLL_S))

    def _resized(self, frame: Frame) -> Frame:
        size = self._options.size
        if size is None or size == frame.size:
            return frame
        shrinks = size[0] * size[1] < frame.size[0] * frame.size[1]
        image = cv2.resize(
            frame.image, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
        )
        return replace(frame, image=np.asarray(image, np.uint8))

    # The network's thread.

    def _infer(self) -> None:
        try:
            for job in self._captured_jobs():
                begun = time.monotonic()
                image = self._stylize(job.frame)
                self._meter.times.add("infer", time.monotonic() - begun)
                if not self._styled.put(_Styled(source=job, image=image)):
                    break
            self._styled.finish()
        except BaseException as error:
            self._styled.finish(error)
        finally:
            self._captured.abandon()

    def _captured_jobs(self) -> Iterator[_Captured]:
        taken = 0
        while not self._leaving() and taken != self._options.frames:
            try:
                job = self._captured.get(_POLL_S)
            except QueueEnd:
                return
            if job is None:
                self._check_stall()
                continue
            taken += 1
            yield job

    def _check_stall(self) -> None:
        # Here and not in the capture thread: that one may hang in the camera's driver.
        name, silent_s = self._live, time.monotonic() - self._heard_at
        if name is not None and silent_s > self._options.stall_s:
            raise SourceLost(
                f"{name}: gave no frame for {silent_s:.1f} s: check the camera and the network"
            )

    # The caller's thread.

    def _deliver(self, on_progress: Callable[[Progress], None]) -> None:
        while not self._closed:
            try:
                job = self._styled.get(_POLL_S)
            except QueueEnd:
                return
            if job is not None:
                self._write(job)
            if (progress := self._meter.due_progress(dropped=self._captured.replaced)) is not None:
                on_progress(progress)
            if self._stop.is_set():
                self._stop_seen = self._stop_seen or time.monotonic()
                if time.monotonic() - self._stop_seen > self._options.drain_s:
                    logger.warning("the frame in work does not end in time: it is dropped")
                    return

    def _write(self, job: _Styled) -> None:
        begun = time.monotonic()
        for output in self._outputs:
            try:
                output.write(job.source.frame, job.image)
            except ViewerClosed:
                self._closed = True  # the other outputs still get this frame
        now = time.monotonic()
        self._meter.times.add("output", now - begun)
        self._meter.times.add("end_to_end", now - job.source.at)
        self._meter.note_shown()


def _expected(options: RunOptions) -> int | None:
    known = [n for n in (options.frames, options.expected_frames) if n is not None]
    return min(known, default=None)
