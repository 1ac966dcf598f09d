"""One camera, or a row of files, through the network to its outputs."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

from hsi.runtime.account import Account, Cause
from hsi.runtime.delivery import Delivery
from hsi.runtime.event import Event, EventKind
from hsi.runtime.feed import Feed
from hsi.runtime.frame import Frame, Image
from hsi.runtime.frame_queue import FrameQueue
from hsi.runtime.journey import journey_of
from hsi.runtime.lane_times import LaneTimes
from hsi.runtime.live_view import LiveView
from hsi.runtime.output import Output
from hsi.runtime.output_worker import OutputWorker
from hsi.runtime.pace import Pace
from hsi.runtime.picture import resized
from hsi.runtime.run_options import OnFault, Policy
from hsi.runtime.run_state import RunState
from hsi.runtime.source import Source
from hsi.runtime.splice import Splice
from hsi.runtime.stream_clock import StreamClock
from hsi.runtime.substitute import Substitute, captioned

_SILENT_S = 1.0  # without anything new for so long, outputs get a substitute
_FILL_S = 0.2  # how often


class Lane:
    """Takes frames from a worker, hands them to the network's thread and its results to outputs.

    Args:
        feed: What it plays.
        run: The run that it is a part of.
    """

    def __init__(self, feed: Feed, run: RunState) -> None:
        self.feed = feed
        self.account = Account()
        self.frames: FrameQueue[Frame] = FrameQueue(run.options.queue, changed=run.changed)
        self.view = LiveView()
        self.times = LaneTimes(run.meter)
        self.event_counts: Counter[EventKind] = Counter()  # of the camera
        self.output_error: BaseException | None = None  # when no output is left
        self.outputs: tuple[OutputWorker, ...] = ()  # replaced, never changed: others read it
        for output in feed.outputs:
            self.add_output(output)
        self._run = run
        self._options = run.options
        self._meter = run.meter
        self._leave = run.leave
        self._clock: StreamClock | None = None
        self._splice = Splice()
        self._source: Source | None = None
        self._last_at = run.meter.started_at  # when the last frame came
        self._ended = False
        self._failing = False  # whether the network gave no picture for the last frame
        on_fault = run.options.on_fault
        self._substitute = None if on_fault is OnFault.STOP else Substitute(on_fault)
        self._pace = Pace(run.options.max_latency_s, feed.set_resolution, self._tell)
        self._handed_at = run.meter.started_at  # when outputs got something new
        self._filled_at = 0.0  # when they got something old
        self.newest_wins = False  # else everything waits for everything
        self._taken = 0  # frames that the network's thread took
        self.size: tuple[int, int] | None = None  # (width, height) of the last frame

    # The capture thread.

    def take(self, frame: Frame, source: Source, read_s: float) -> bool:
        """Take a frame that was read in so long. Returns whether more is wanted."""
        now = time.monotonic()
        self._note_source(source)
        if source.live:
            frame = self._splice.joined(frame, source, now)
        self._note_size(frame, source)
        stream_s = self._stream_time(source, frame)
        if not self._wanted(stream_s):
            return False
        self.times.note("capture", read_s)
        if self.newest_wins and not source.live:
            # A file played as if it were a camera.
            self._leave.wait(max(0.0, self._meter.started_at + stream_s - time.monotonic()))
        self._last_at = now
        self.account.capture()
        if self._ended:
            self._drop(Cause.STOPPED, frame)
            return False
        image = resized(frame.image, self._options.size or frame.size)
        journey = journey_of(self.feed.name, frame.number, every=self._options.trace)
        frame = replace(frame, image=image, captured_at=time.monotonic(), journey=journey)
        if self.newest_wins:
            self._drop(Cause.NEWER, *self.frames.put_newest(frame))
        elif not self.frames.put(frame):
            self._drop(Cause.STOPPED, frame)
            return False
        return not self._leave.is_set()

    def take_corrupt(self) -> None:
        """Count a frame that came damaged."""
        self.account.capture()
        self.account.drop(Cause.CORRUPT)

    def _note_source(self, source: Source) -> None:
        if source is self._source:
            return
        policy = self._options.policy or (Policy.LATEST if source.live else Policy.EVERY)
        self.newest_wins = policy is Policy.LATEST
        self._source = source
        self._meter.note_source(source)

    def _note_size(self, frame: Frame, source: Source) -> None:
        before, self.size = self.size, frame.size
        if source.live and before not in (None, frame.size):
            detail = "from {}x{} to {}x{}".format(*before, *frame.size)
            self._tell(EventKind.SIZE_CHANGED, detail)

    def _tell(self, kind: EventKind, detail: str = "") -> None:
        self.note(Event(kind=kind, subject=self.feed.name, detail=detail))

    def _stream_time(self, source: Source, frame: Frame) -> float:
        if self._clock is None:
            self._clock = StreamClock(1 / (source.fps or 25.0))
        return self._clock.at(frame)

    def _wanted(self, stream_s: float) -> bool:
        options = self._options
        if options.duration_s is not None and stream_s >= options.duration_s:
            return False
        # Under `latest` captured frames may be dropped: there the network counts.
        full = options.frames is not None and self.account.captured >= options.frames
        return self.newest_wins or not full

    # The network's thread.

    def play(self, frame: Frame) -> None:
        """Stylise a frame and hand it to the outputs."""
        begun = time.monotonic()
        frame.journey.mark("taken")
        limit_s = self._options.max_age_s
        if limit_s is not None and frame.age_s() > limit_s:
            self._drop(Cause.TOO_OLD, frame)
            return
        try:
            image = self.feed.stylize(frame)
        except Exception as error:
            self._without_network(frame, error)
            return
        self.times.note("infer", time.monotonic() - begun)
        frame.journey.mark("stylised")
        if self.newest_wins:  # else a frame waits for outputs, which is no latency
            self._pace.note(frame)
        if self._failing:
            self._failing = False
            self._tell(EventKind.NETWORK_RETURNED)
        if self._substitute is not None:
            self._substitute.remember(frame, image)
        stylised = replace(frame, stylised=True)
        self._hand_out(stylised, image, done=self._through, free=self.feed.recycle)
        self._note_taken()

    def _without_network(self, frame: Frame, error: Exception) -> None:
        if self._substitute is None:
            self._drop(Cause.NETWORK_FAILED, frame)
            raise error
        if not self._failing:
            self._failing = True
            self._tell(EventKind.NETWORK_FAILED, str(error))
        if self._options.on_fault is OnFault.PASSTHROUGH:
            image = captioned(frame.image, "not stylised")
            self._hand_out(frame, image, done=self._through)
            self._note_taken()
            return
        self._drop(Cause.NETWORK_FAILED, frame)
        self._repeat("network failed", time_s=frame.time_s)

    def _note_taken(self) -> None:
        self._taken += 1
        if self._taken == self._options.frames:
            self.end()

    def end(self) -> None:
        """Take no more frames; what waits is dropped."""
        self._ended = True
        self._drop(Cause.STOPPED, *self.frames.abandon())

    def finish(self) -> None:
        """Let the outputs write what they have, and no more."""
        for output in self.outputs:
            output.finish()

    def _hand_out(
        self,
        frame: Frame,
        image: Image,
        *,
        done: Callable[[Delivery], None],
        free: Callable[[Image], None] | None = None,
    ) -> None:
        self._handed_at = time.monotonic()
        outputs = [one for one in self.outputs if not one.done]
        delivery = Delivery(frame, image, holders=len(outputs) + 1, done=done, free=free)
        self.view.show(delivery)
        for output in outputs:
            output.offer(delivery, newest_wins=self.newest_wins)
        delivery.settle()

    def _repeat(self, why: str, *, time_s: float | None = None) -> None:
        if self._substitute is None:
            return
        found = self._substitute.repeat(why, time_s=time_s)
        if found is not None:
            self._hand_out(*found, done=self._through_again)

    # Whichever thread is the last to need a picture.

    def _through(self, delivery: Delivery) -> None:
        if delivery.written:
            self.account.show(stylised=delivery.frame.stylised)
            self.times.note_shown(delivery.frame.age_s())
            delivery.frame.journey.end("shown")
        elif self._leave.is_set():
            self._drop(Cause.STOPPED, delivery.frame)
        else:
            failed = delivery.failed or all(one.done for one in self.outputs)
            self._drop(Cause.OUTPUT_FAILED if failed else Cause.SLOW_OUTPUT, delivery.frame)

    def _through_again(self, delivery: Delivery) -> None:
        if delivery.written:
            self.account.repeat()

    # The supervisors' thread.

    def note(self, event: Event) -> None:
        """Take note of what happens to the camera."""
        self.event_counts[event.kind] += 1
        self._run.log.note(event)

    def is_over(self, now: float) -> bool:
        """Tell whether the time is up for a camera that is silent and cannot notice itself."""
        limit_s = self._options.duration_s
        if limit_s is None or (self._source is not None and not self._source.live):
            return False
        return now - self._meter.started_at >= limit_s and now - self._last_at > _SILENT_S

    def fill(self, now: float) -> None:
        """Give outputs something to show where nothing new has come for a second."""
        silent = self.newest_wins and not self._ended and now - self._handed_at > _SILENT_S
        if self._substitute is not None and silent and now - self._filled_at > _FILL_S:
            self._filled_at = now
            handed_at = self._handed_at
            self._repeat("no new picture")
            self._handed_at = handed_at

    # Any thread.

    def _drop(self, cause: Cause, *frames: Frame) -> None:
        self.account.drop(cause, len(frames))
        for frame in frames:
            frame.journey.end(f"dropped: {cause.value}")

    def silent_s(self) -> float | None:
        """Seconds since the last frame came; None before the first."""
        return time.monotonic() - self._last_at if self.account.captured else None

    def add_output(self, output: Output) -> OutputWorker:
        """Hand frames to one more output, an entered context, from the next on."""
        worker = OutputWorker(output, on_written=self.times.note_written, on_end=self._without)
        self.outputs = (*self.outputs, worker)
        return worker

    def remove_output(self, worker: OutputWorker) -> None:
        """Hand an output that is done no more frames."""
        self.outputs = tuple(one for one in self.outputs if one is not worker)

    # An output's thread.

    def _without(self, output: OutputWorker) -> None:
        """Go on without an output, if there is another."""
        error = output.error
        if error is None:
            self._run.close()
        elif not isinstance(error, Exception):
            self._run.fail(error)
        else:
            last = all(one.error is not None for one in self.outputs)
            if last:
                self.output_error = error
                self.end()
            if not (last and self._run.alone):  # else the run ends, with this error
                name = output.output.name
                detail = str(error).removeprefix(f"{name}: ")
                kind = EventKind.OUTPUT_FAILED
                self._run.log.note(Event(kind=kind, subject=name, detail=detail))
