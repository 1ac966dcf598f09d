"""The face of a running `hsi-run`: what a page, metrics or a factory see of it and may change."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from hsi.runtime.errors import OptionError
from hsi.runtime.event import Event, EventKind
from hsi.runtime.event_feed import EventFeed
from hsi.runtime.live_view import Shown
from hsi.runtime.look import Look
from hsi.runtime.output_recording import OutputRecording
from hsi.runtime.region import Protected, Region
from hsi.runtime.run_parts import RunningCamera, RunParts
from hsi.runtime.run_status import CameraStatus, RunStatus
from hsi.runtime.stage_times import StageBuckets
from hsi.runtime.stream import Stream
from hsi.runtime.stylizer import Stylizer

_EVENTS = 50  # in a status
_LOOK_S = 1.0  # for the first look at a camera, which keeps no picture until then


class LiveRun:
    """Looks at a run and steers it, from any thread. Nothing here keeps the line waiting.

    Commands hold from the next frame on, and stay in force until the next command.

    Args:
        parts: Of the running pipeline.
        stylizer: That all cameras share.
        streams: Of the cameras, in their order.
        styles: `(picture or name, weight)` in use; a single one has the weight 1.
    """

    def __init__(
        self,
        parts: RunParts,
        stylizer: Stylizer,
        streams: Sequence[Stream],
        *,
        styles: Sequence[tuple[str, float]],
    ) -> None:
        self._parts = parts
        self._stylizer = stylizer
        names = [camera.name for camera in parts.cameras]
        self._cameras = dict(zip(names, parts.cameras, strict=True))
        self._streams = dict(zip(names, streams, strict=True))
        self._styles = tuple(styles)
        self._recordings: dict[str, OutputRecording] = {}
        self._started_at_s, self._started_at = time.time(), time.monotonic()
        self._steering = threading.Lock()
        self._orders = self._order_done = 0
        self._feed = EventFeed()
        parts.log.listen(self._feed.note)

    @property
    def cameras(self) -> tuple[str, ...]:
        """Their names, without credentials; a row of files counts as one."""
        return tuple(self._cameras)

    def status(self) -> RunStatus:
        """Return how things stand."""
        manifest, code = self._stylizer.manifest, self._stylizer.style
        streams = list(self._streams.values())
        return RunStatus(
            time_s=time.time(),
            started_at_s=self._started_at_s,
            uptime_s=time.monotonic() - self._started_at,
            model=manifest.name,
            engine=self._stylizer.engine_name,
            precision=manifest.stylizer.precision,
            style=code.name if code is not None else "",
            styles=self._styles,
            strength=self._stylizer.strength,
            stability=streams[0].stability,
            cameras=tuple(self._camera_status(*item) for item in self._cameras.items()),
            stages=self._parts.meter.times.summary(),
            events=self._parts.log.events[-_EVENTS:],
            event_counts=self._parts.log.counts,
        )

    def stage_buckets(self, bounds_ms: Sequence[float]) -> dict[str, dict[str, StageBuckets]]:
        """Return how often each stage of each camera took up to each of growing bounds."""
        return {
            name: camera.lane.times.all.buckets(bounds_ms) for name, camera in self._cameras.items()
        }

    def set_style(self, styles: str | Sequence[tuple[str, float]]) -> None:
        """Change the style. The picture is encoded in the caller's thread, the line plays on.

        Args:
            styles: A picture's path or a shipped style's name, or several with weights to blend.

        Raises:
            SourceError: A picture cannot be read.
            OptionError: A name or a weight is none.
            EngineError: The style encoder failed.
        """
        with self._steering:
            self._orders += 1
            order = self._orders
        code = self._stylizer.encode_style(styles)
        named = ((styles, 1.0),) if isinstance(styles, str) else styles
        pairs = tuple((str(name), float(weight)) for name, weight in named)
        with self._steering:
            if order < self._order_done:
                return  # a later order was quicker
            self._order_done = order
            self._stylizer.set_style(code)
            self._styles = pairs
        event = Event(kind=EventKind.STYLE_CHANGED, subject="style", detail=code.name)
        self._parts.log.note(event)

    def prepare_style(self, style: str) -> None:
        """Encode a style in the caller's thread, so that a later change to it takes no time.

        Args:
            style: A picture's path or a shipped style's name.

        Raises:
            SourceError, OptionError, EngineError: As for `set_style`.
        """
        self._stylizer.encode_style(style)

    def set_strength(self, strength: float) -> None:
        """Change the share of the style: 0 gives the frame itself, 1 the whole style.

        Raises:
            OptionError: It lies outside [0, 1].
        """
        self._stylizer.strength = strength

    def set_stability(self, stability: float) -> None:
        """Change how steady videos are; see :class:`hsi.runtime.stabiliser.Stabiliser`.

        Raises:
            OptionError: It lies outside [0, 1].
        """
        for stream in self._streams.values():
            stream.stability = stability

    def set_look(self, look: Look, camera: str | None = None) -> None:
        """Change the look controls of one camera, or of all.

        Raises:
            OptionError: There is no such camera, or a rectangle leaves its frame.
        """
        names = self._named(camera)
        for name in names:
            self._check_protected(look, self._cameras[name])
        for name in names:
            self._streams[name].look = look

    def set_protect(self, protect: Sequence[Protected], camera: str | None = None) -> None:
        """Change what stays as it is, of one camera or of all. The rest of the look stays.

        Raises:
            OptionError: As for `set_look`.
        """
        looks = {
            name: replace(self._streams[name].look, protect=tuple(protect))
            for name in self._named(camera)
        }
        for name, look in looks.items():
            self._check_protected(look, self._cameras[name])
        for name, look in looks.items():
            self._streams[name].look = look

    def newest(
        self, camera: str, after: int | None = None, timeout_s: float = _LOOK_S
    ) -> Shown | None:
        """Return the newest frame and its picture, or None when there was none in time.

        The picture is copied in the caller's thread: the line neither waits nor copies. Until a
        camera has been looked at once, no picture of it is kept.

        Args:
            camera: Its name.
            after: Wait for a picture of a later `place`; None for any.
            timeout_s: For so long.

        Raises:
            OptionError: There is no such camera.
        """
        return self._camera(camera).lane.view.newest(after=after or 0, timeout_s=timeout_s)

    def snapshot(self, camera: str) -> Shown:
        """Return the newest frame and its picture.

        Raises:
            OptionError: There is no such camera, or nothing comes from it.
        """
        shown = self.newest(camera)
        if shown is None:
            raise OptionError(f"{camera}: expected a picture, found none so far: try again later")
        return shown

    def subscribe(self, listener: Callable[[Event], None]) -> Callable[[], None]:
        """Tell a listener of every event from now on, in a thread of its own.

        Returns:
            Ends that.
        """
        return self._feed.subscribe(listener)

    def start_recording(self, camera: str, path: Path) -> None:
        """Write a camera's pictures to a video from the next one on.

        Raises:
            OptionError: There is no such camera, it is recorded already, or the name is no video's
                or is taken.
            OutputError: The file cannot be written.
        """
        lane = self._camera(camera).lane
        with self._steering:
            if camera in self._recordings:
                name = self._recordings[camera].name
                raise OptionError(f"{camera}: is recorded to {name} already: stop that first")
            self._recordings[camera] = OutputRecording(lane, path)

    def stop_recording(self, camera: str) -> Path:
        """Finish a recording. Returns the file, which is whole.

        Raises:
            OptionError: There is no such camera, or it is not recorded.
            OutputError: The file could not be written to the end.
        """
        self._camera(camera)
        with self._steering:
            recording = self._recordings.pop(camera, None)
        if recording is None:
            raise OptionError(f"{camera}: is not recorded: start a recording first")
        return recording.finish()

    def close(self) -> None:
        """End recordings and subscriptions, once the run has ended."""
        with self._steering:
            recordings, self._recordings = self._recordings, {}
        try:
            for recording in recordings.values():
                recording.finish()
        finally:
            self._feed.close()

    def _camera_status(self, name: str, camera: RunningCamera) -> CameraStatus:
        lane, stream = camera.lane, self._streams[name]
        recording = self._recordings.get(name)
        counts = lane.account.counts()
        return CameraStatus(
            name=name,
            state=camera.supervisor.state,
            size=lane.size,
            captured=counts.captured,
            shown=counts.shown,
            unstylised=counts.unstylised,
            repeated=counts.repeated,
            dropped=counts.dropped,
            waiting=counts.waiting,
            captured_fps=lane.times.recent.rate_hz("capture"),
            shown_fps=lane.times.recent.rate_hz("end_to_end"),
            stages=lane.times.recent.summary(),
            last_frame_age_s=lane.silent_s(),
            last_shown_age_s=lane.times.recent.since_s("end_to_end"),
            reconnects=lane.event_counts[EventKind.RETURNED],
            stalls=lane.event_counts[EventKind.STALLED],
            losses=lane.event_counts[EventKind.LOST],
            drift=None if stream.watch is None else stream.watch.drift,
            flicker=stream.flicker.value,
            look=stream.look,
            recording=None if recording is None else recording.name,
            resolution=stream.resolution,
        )

    def _camera(self, name: str) -> RunningCamera:
        if name not in self._cameras:
            known = ", ".join(self._cameras)
            raise OptionError(f"camera {name!r}: expected one of {known}, found another name")
        return self._cameras[name]

    def _named(self, camera: str | None) -> tuple[str, ...]:
        if camera is None:
            return self.cameras
        self._camera(camera)
        return (camera,)

    def _check_protected(self, look: Look, camera: RunningCamera) -> None:
        size = camera.lane.size
        for one in look.protect:
            if size is not None and isinstance(one, Region):
                one.box(size)
