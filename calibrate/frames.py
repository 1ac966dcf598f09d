"""Frames to calibrate on: from pictures, folders, clips, streams and cameras alike."""

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from hsi.runtime.errors import SourceError
from hsi.runtime.frame import Frame, Image
from hsi.runtime.source import (
    CorruptFrame,
    EndOfStream,
    Source,
    could_be_live,
    is_picture,
    open_source,
)
from hsi.runtime.uri import local_path

MIN_SIDE = 64  # pixels, the least a stylizer takes
LIVE_STRIDE = 15  # frames of a live source from one that is kept to the next
VIDEO_SUFFIXES = (".avi", ".gif", ".m4v", ".mkv", ".mov", ".mp4", ".mpg", ".ts", ".webm")
FPS = 25.0  # of a live source that does not say
LIVE_SILENCE_S = 10.0  # a live source without a frame for longer has gone


@dataclass(frozen=True, kw_only=True, eq=False)
class CalibrationFrame:
    """One frame, shrunk, and where it came from."""

    image: Image  # (H, W, 3) uint8 BGR
    source: str  # the address without credentials, or the picture's path
    number: int  # counts from 0 at the source
    width: int  # pixels, before shrinking
    height: int
    sha256: str  # of the size and pixels before shrinking


def read_frames(
    places: Sequence[str],
    *,
    side: int,
    candidates: int,
    on_step: Callable[[str], None] = lambda name: None,
) -> list[CalibrationFrame]:
    """Read frames from every place, spread evenly over files, one in fifteen of live sources.

    Args:
        places: Addresses as :func:`hsi.runtime.source.open_source` takes them, and folders of
            videos.
        side: Pixels; frames with a longer long side are shrunk to it.
        candidates: At most so many frames in all, each place having its equal share.
        on_step: Told which place is read, and how long a live one will take.

    Raises:
        SourceError: A place is no source, cannot be read, or has a frame too small for the network.
        OptionError: An address is of an unknown kind.
    """
    share = max(1, candidates // max(1, len(places)))
    shares = [
        (source, max(1, share // len(inside)))
        for place in places
        for inside in (_sources_in(place),)
        for source in inside
    ]
    found: dict[int, list[CalibrationFrame]] = {}
    # Files first: what is wrong with one is told before a camera is watched for minutes.
    for number in sorted(range(len(shares)), key=lambda number: could_be_live(shares[number][0])):
        address, count = shares[number]
        with open_source(address) as source:
            on_step(_step(source, count))
            found[number] = [_shrunk(frame, side) for frame in _spread(source, count)]
    return [frame for number in range(len(shares)) for frame in found[number]][:candidates]


def shrunk(image: Image, side: int) -> Image:
    """A picture whose long side is at most ``side`` pixels; smaller ones as they are."""
    height, width = image.shape[:2]
    scale = side / max(height, width)
    if scale >= 1:
        return image
    size = (round(width * scale), round(height * scale))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


def _sources_in(place: str) -> list[str]:
    """The place itself, or the videos of a folder; the folder is the source of its pictures."""
    folder = Path(local_path(place))
    if could_be_live(place) or not folder.is_dir():
        return [place]
    files = sorted(folder.iterdir())
    videos = [str(path) for path in files if path.suffix.lower() in VIDEO_SUFFIXES]
    return videos if videos and not any(map(is_picture, files)) else [place, *videos]


def _step(source: Source, share: int) -> str:
    if not source.live:
        return f"frames from {source.name}"
    seconds = LIVE_STRIDE * share / (source.fps or FPS)
    return f"{share} frames from {source.name}, live: about {seconds:.0f} s"


def _spread(source: Source, share: int) -> Iterator[Frame]:
    """At most ``share`` frames, from the whole length of a source that says how long it is."""
    count = None if source.live else source.frame_count
    stride = max(1, count // share) if count else LIVE_STRIDE if source.live else 1
    due = kept = 0
    for frame in _frames(source):
        if frame.number >= due:  # the very one that was due may have come damaged
            yield frame
            due, kept = frame.number + stride, kept + 1
        if kept == share:
            return


def _frames(source: Source) -> Iterator[Frame]:
    heard = time.monotonic()
    while True:
        try:
            frame = source.read(timeout_s=1.0)
        except EndOfStream:
            return
        except CorruptFrame:
            heard = time.monotonic()
            continue
        if frame is not None:
            heard = time.monotonic()
            yield frame
        elif time.monotonic() - heard > LIVE_SILENCE_S:
            raise SourceError(
                f"{source.name}: expected frames to calibrate on, found none for "
                f"{LIVE_SILENCE_S:.0f} seconds: check the source"
            )


def _shrunk(frame: Frame, side: int) -> CalibrationFrame:
    image = shrunk(frame.image, side)
    width, height = frame.size
    source = str(frame.path) if frame.path else frame.source
    if min(image.shape[:2]) < MIN_SIDE:
        raise SourceError(
            f"{source}: expected frames to calibrate on with sides of at least {MIN_SIDE} pixels "
            f"once the long one is {side}, found {width}x{height}: leave this source out"
        )
    digest = hashlib.sha256(f"{width}x{height} ".encode() + frame.image.tobytes()).hexdigest()
    return CalibrationFrame(
        image=image,
        source=source,
        number=frame.number,
        width=width,
        height=height,
        sha256=digest,
    )
