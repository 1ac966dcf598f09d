"""A calibration set: the frames chosen, those kept back, and a record of where they came from."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from hsi.calibrate.frames import MIN_SIDE, CalibrationFrame, read_frames
from hsi.calibrate.sampler import SAMPLER, descriptors_of, farthest_points
from hsi.runtime.drift_reference import DriftReference, colour_quantiles
from hsi.runtime.errors import OptionError, SourceError
from hsi.runtime.frame import Image
from hsi.runtime.uri import redact

FORMAT, VERSION = "hsi calibration", 1
HELD_OUT = 4  # frames kept back for the quality gate


@dataclass(frozen=True, kw_only=True)
class CalibrationOptions:
    """How frames are chosen."""

    frames: int = 24  # to calibrate on
    candidates: int = 240  # read at most, to choose from
    side: int = 512  # pixels of the long side: ranges hardly depend on it, memory and time do

    def __post_init__(self) -> None:
        if self.frames < 1:
            raise OptionError(f"frames to calibrate on must be at least 1, got {self.frames}")
        if self.candidates < self.frames:
            raise OptionError(
                f"candidates must be at least the {self.frames} frames to calibrate on, got "
                f"{self.candidates}"
            )
        if not MIN_SIDE <= self.side <= 4096:
            raise OptionError(f"side must be from {MIN_SIDE} to 4096 pixels, got {self.side}")


@dataclass(frozen=True, kw_only=True, eq=False)
class CalibrationSet:
    """Frames to calibrate on, in the order the sampler took them, and others to judge by."""

    frames: tuple[CalibrationFrame, ...]
    held_out: tuple[CalibrationFrame, ...]  # never calibrated on; may be none
    places: tuple[str, ...]  # as given, without credentials
    options: CalibrationOptions
    reach: float = 0.0  # grey levels from the frames to the farthest other that was read

    def to_json(self, drift: DriftReference | None = None) -> str:
        """The record: the same sources and options give the same text.

        Args:
            drift: What ``hsi-run`` shall compare its input with; None for nothing.
        """
        record = {
            "format": FORMAT,
            "version": VERSION,
            "places": list(self.places),
            "sampler": SAMPLER,
            "options": asdict(self.options),
            "frames": [_entry(frame) for frame in self.frames],
            "held_out": [_entry(frame) for frame in self.held_out],
            **({} if drift is None else {"drift": asdict(drift)}),
        }
        return json.dumps(record, indent=1) + "\n"

    def to_text(self) -> str:
        """A line for each frame chosen."""
        rows = (f"  {f.source} frame {f.number}, {f.width}x{f.height}" for f in self.frames)
        return "\n".join([f"{len(self.frames)} frames to calibrate on:", *rows])


def collect(
    places: Sequence[str],
    options: CalibrationOptions | None = None,
    on_step: Callable[[str], None] = lambda name: None,
) -> CalibrationSet:
    """Read frames and choose the most different ones.

    Args:
        places: Folders, pictures, clips, streams, cameras; any mixture.
        options: How many and how large.
        on_step: Told what starts.

    Raises:
        SourceError: A place cannot be read, or there is no frame in any.
        OptionError: There is no place, or an address is of an unknown kind.
    """
    options = options or CalibrationOptions()
    if not places:
        raise OptionError("nothing to calibrate on: pass --calib with a folder, clip or camera")
    read = read_frames(places, side=options.side, candidates=options.candidates, on_step=on_step)
    found = list({frame.sha256: frame for frame in reversed(read)}.values())[::-1]
    if not found:
        raise SourceError(
            f"{', '.join(map(redact, places))}: expected frames to calibrate on, found none: name "
            "a source that has some"
        )
    order = farthest_points(descriptors_of([frame.image for frame in found]), len(found))
    # Of few frames all calibrate; the gate has a photograph of its own besides.
    kept_back = order[options.frames :][:HELD_OUT]
    return CalibrationSet(
        frames=tuple(found[index] for index in order[: options.frames]),
        held_out=tuple(found[index] for index in kept_back),
        places=tuple(map(redact, places)),
        options=options,
        reach=_reach([frame.image for frame in found], order[: options.frames]),
    )


def _reach(images: Sequence[Image], taken: Sequence[int]) -> float:
    colours = np.stack([colour_quantiles(image).ravel() for image in images])
    apart = np.abs(colours[:, None] - colours[list(taken)]).mean(2)
    return float(apart.min(1).max())


def _entry(frame: CalibrationFrame) -> dict[str, str | int]:
    return {
        "source": frame.source,
        "number": frame.number,
        "width": frame.width,
        "height": frame.height,
        "sha256": frame.sha256,
    }
