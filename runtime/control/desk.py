"""What the page can see and do, in terms of a running line. For any thread."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

from hsi.runtime.control.models import (
    Camera,
    CameraLook,
    Happening,
    Rectangle,
    Settings,
    SettingsChange,
    Stage,
    Status,
    StyleShare,
)
from hsi.runtime.control.refusal import NotThere
from hsi.runtime.control.shelf import ShelfStyle, StyleShelf
from hsi.runtime.live_run import LiveRun
from hsi.runtime.look import Look
from hsi.runtime.region import Mask, Region
from hsi.runtime.run_status import CameraStatus, RunStatus


class Desk:
    """The line as the API tells of it.

    Args:
        live: The run.
        shelf: The styles on offer.
        changed: Told, in the thread that did it, when something was changed here.
    """

    def __init__(self, live: LiveRun, shelf: StyleShelf, changed: Callable[[], None]) -> None:
        self.live = live
        self.shelf = shelf
        self._changed = changed
        self._changing = threading.Lock()

    def camera(self, number: int) -> str:
        """Return the name that a camera has in the run.

        Raises:
            NotThere: There is no such camera.
        """
        names = self.live.cameras
        if not 1 <= number <= len(names):
            raise NotThere(f"camera {number}: expected one of 1 to {len(names)}, found none")
        return names[number - 1]

    def status(self, *, readers: int) -> Status:
        """Return where the line stands."""
        found = self.live.status()
        return Status(
            engine=found.engine,
            precision=found.precision,
            model=found.model,
            uptime_s=round(found.uptime_s, 1),
            readers=readers,
            cameras=[_camera(number, one) for number, one in enumerate(found.cameras, 1)],
            settings=self._settings(found),
        )

    def settings(self) -> Settings:
        """Return how the line stylises now."""
        return self._settings(self.live.status())

    def events(self) -> list[Happening]:
        """Return what happened last, oldest first."""
        return [
            Happening(
                kind=event.kind.value,
                subject=event.subject,
                detail=event.detail,
                seconds=event.seconds,
                time_s=event.time_s,
            )
            for event in self.live.status().events
        ]

    def change(self, wanted: SettingsChange) -> Settings:
        """Do what is asked for, or nothing of it. It holds from the next frame on.

        Raises:
            OptionError: A value does not fit this line.
            SourceError: The picture of a style cannot be read.
        """
        with self._changing:
            looks = self._looks(wanted)
            if wanted.styles is not None:
                pairs = [(self.shelf.find(one.style).word, one.weight) for one in wanted.styles]
                self.live.set_style(pairs if len(pairs) > 1 else pairs[0][0])
            if wanted.strength is not None:
                self.live.set_strength(wanted.strength)
            if wanted.stability is not None:
                self.live.set_stability(wanted.stability)
            for camera, look in looks.items():
                self.live.set_look(look, camera=camera)
        self._changed()
        return self.settings()

    def add_style(self, data: bytes, title: str) -> ShelfStyle:
        """Put an uploaded picture on the shelf, ready to be used. As :meth:`StyleShelf.add`."""
        style = self.shelf.add(data, title)
        self.live.prepare_style(style.word)
        return style

    def _looks(self, wanted: SettingsChange) -> dict[str, Look]:
        """Return the looks that change, by camera, all checked before the first is set."""
        given = (wanted.keep_colour, wanted.style_scale, wanted.protect)
        if all(value is None for value in given):
            return {}
        chosen = None if wanted.camera is None else self.camera(wanted.camera)
        return {
            name: _changed_look(one.look, wanted)
            for name, one in zip(self.live.cameras, self.live.status().cameras, strict=True)
            if chosen in (None, name)
        }

    def _settings(self, found: RunStatus) -> Settings:
        total = sum(weight for _, weight in found.styles) or 1
        return Settings(
            styles=[
                StyleShare(style=self.shelf.key_of(word), weight=weight / total)
                for word, weight in found.styles
                if weight > 0
            ],
            strength=found.strength,
            stability=found.stability,
            looks=[_camera_look(one) for one in found.cameras],
        )


def _changed_look(look: Look, wanted: SettingsChange) -> Look:
    if wanted.keep_colour is not None:
        look = replace(look, keep_colour=wanted.keep_colour)
    if wanted.style_scale is not None:
        scale = None if wanted.style_scale == "off" else wanted.style_scale
        look = replace(look, style_scale=scale)
    if wanted.protect is not None:
        regions = [
            Region(x=one.x, y=one.y, width=one.width, height=one.height, percent=True)
            for one in wanted.protect
        ]
        masks = [one for one in look.protect if isinstance(one, Mask)]
        look = replace(look, protect=(*masks, *regions))
    return look


def _camera(number: int, one: CameraStatus) -> Camera:
    width, height = one.size or (None, None)
    return Camera(
        number=number,
        name=one.name,
        state=one.state.value,
        width=width,
        height=height,
        captured_fps=round(one.captured_fps, 2),
        shown_fps=round(one.shown_fps, 2),
        captured=one.captured,
        shown=one.shown,
        unstylised=one.unstylised,
        repeated=one.repeated,
        dropped=dict(one.dropped),
        last_frame_age_s=one.last_frame_age_s,
        reconnects=one.reconnects,
        stalls=one.stalls,
        losses=one.losses,
        drift=one.drift,
        flicker=one.flicker,
        resolution=one.resolution,
        recording=one.recording,
        stages={
            name: Stage(
                count=stage.count,
                mean_ms=round(stage.mean_ms, 2),
                p50_ms=round(stage.p50_ms, 2),
                p95_ms=round(stage.p95_ms, 2),
                p99_ms=round(stage.p99_ms, 2),
            )
            for name, stage in one.stages.items()
        },
    )


def _camera_look(one: CameraStatus) -> CameraLook:
    look = one.look
    return CameraLook(
        keep_colour=look.keep_colour,
        style_scale="off" if look.style_scale is None else look.style_scale,
        protect=[_rectangle(r, one.size) for r in look.protect if isinstance(r, Region)],
        masks=sum(isinstance(part, Mask) for part in look.protect),
    )


def _rectangle(region: Region, size: tuple[int, int] | None) -> Rectangle:
    if region.percent or size is None:
        across = down = 1.0
    else:
        across, down = 100 / size[0], 100 / size[1]
    # A camera may have become smaller than the rectangle that was drawn on it.
    return Rectangle(
        x=min(100.0, region.x * across),
        y=min(100.0, region.y * down),
        width=min(100.0, region.width * across),
        height=min(100.0, region.height * down),
    )
