"""The JSON of the control page's API. Sizes are in pixels, shares in [0, 1], times in ms or s."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from hsi.runtime.look import MAX_STYLE_SCALE

Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Percent = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)]
StyleKey = Annotated[str, Field(pattern=r"^[a-z0-9-]{1,80}$", examples=["great-wave"])]


class _Model(BaseModel):
    # A misspelt name shall not look as if it had been obeyed.
    model_config = ConfigDict(extra="forbid", frozen=True)


class StyleShare(_Model):
    """A style of the shelf and its share in a blend."""

    style: StyleKey
    weight: float = Field(default=1.0, gt=0, le=1000, allow_inf_nan=False)


class Rectangle(_Model):
    """A part of the frame that is not stylised, in percent of the frame."""

    x: Percent
    y: Percent
    width: float = Field(gt=0, le=100, allow_inf_nan=False)
    height: float = Field(gt=0, le=100, allow_inf_nan=False)


class SettingsChange(_Model):
    """What shall be different from the next frame on. What is left out stays as it is."""

    styles: list[StyleShare] | None = Field(default=None, min_length=1, max_length=4)
    strength: Share | None = None
    stability: Share | None = None
    keep_colour: bool | None = None
    style_scale: (
        Annotated[float, Field(gt=0, le=MAX_STYLE_SCALE, allow_inf_nan=False)]
        | Literal["off"]
        | None
    ) = Field(default=None, description="Size of the strokes; `off`: the frame's own pixels")
    protect: list[Rectangle] | None = Field(default=None, max_length=16)
    camera: int | None = Field(
        default=None, ge=1, description="Whose keep_colour, style_scale and protect; null: of all"
    )


class CameraLook(_Model):
    """The look of one camera."""

    keep_colour: bool
    style_scale: float | Literal["off"]
    protect: list[Rectangle]
    masks: int = Field(description="Protected parts that were given as pictures, kept as they are")


class Settings(_Model):
    """How the line stylises now."""

    styles: list[StyleShare]
    strength: Share
    stability: Share
    looks: list[CameraLook] = Field(description="One for each camera, in order")


class Stage(_Model):
    """Latency of one stage over the last ten seconds."""

    count: int
    mean_ms: float
    p50_ms: float
    p95_ms: float
    p99_ms: float


class Camera(_Model):
    """One camera, or one row of files."""

    number: int  # from 1
    name: str  # the address, without credentials
    state: str
    width: int | None
    height: int | None
    captured_fps: float
    shown_fps: float
    captured: int
    shown: int
    unstylised: int
    repeated: int
    dropped: dict[str, int]
    last_frame_age_s: float | None
    reconnects: int
    stalls: int
    losses: int
    drift: float | None
    flicker: float | None
    resolution: float = Field(
        description="Share of the sides that the network sees, for the latency's sake"
    )
    recording: str | None = Field(description="The name of the file that is being written")
    stages: dict[str, Stage]


class Status(_Model):
    """Where the line stands."""

    engine: str
    precision: str
    model: str
    uptime_s: float
    readers: int = Field(description="Pictures and status streams that are open")
    cameras: list[Camera]
    settings: Settings


class Happening(_Model):
    """One thing that happened."""

    kind: str
    subject: str
    detail: str
    seconds: float | None
    time_s: float = Field(description="Unix time")


class ShelfItem(_Model):
    """A style on offer."""

    key: StyleKey
    title: str
    uploaded: bool
    thumbnail: str = Field(description="Address of a square JPEG")


class Recording(_Model):
    """A video of the stylised picture."""

    name: str
    camera: int
    finished: bool
    bytes: int
