"""Any source, with faults at will: for trying out what a line does when its camera misbehaves."""

from __future__ import annotations

import random
import re
import time
from dataclasses import dataclass, replace
from urllib.parse import parse_qsl, urlencode

import cv2
import numpy as np

from hsi.runtime.closing import Closing
from hsi.runtime.duration import seconds_from_text
from hsi.runtime.errors import OptionError
from hsi.runtime.frame import Frame
from hsi.runtime.source import CorruptFrame, Source, SourceLost
from hsi.runtime.uri import redact

PREFIX = "fault+"
_OPTIONS = ("drop", "corrupt", "stall", "lose", "resize", "seed")


@dataclass(frozen=True, kw_only=True)
class Faults:
    """Which faults, and how often."""

    drop: float = 0.0  # share of frames that never arrive
    corrupt: float = 0.0  # share of frames that arrive damaged
    stall_s: float = 0.0  # reading hangs for so long, whatever time limit it was given ...
    stall_every_s: float = float("inf")  # ... every so often
    lose_after_s: float = float("inf")  # the connection breaks after so long
    resize_every_s: float = float("inf")  # frames change between their size and half of it
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("drop", "corrupt"):
            if not 0 <= getattr(self, name) <= 1:
                raise OptionError(f"{name} must be a share from 0 to 1, got {getattr(self, name)}")


def split_faults(uri: str) -> tuple[str, Faults]:
    """Return the address below `fault+`, without the options that are faults, and the faults.

    Args:
        uri: Such as `fault+rtsp://camera/1?drop=0.02&stall=5s/60s&lose=30s&resize=10s&seed=1`.

    Raises:
        OptionError: An option is malformed.
    """
    base, _, query = uri.removeprefix(PREFIX).partition("?")
    words = parse_qsl(query, keep_blank_values=True)
    mine = {name: value for name, value in words if name in _OPTIONS}
    others = [(name, value) for name, value in words if name not in _OPTIONS]
    name = redact(uri)
    stall, every = _pair(mine.get("stall"), name)
    faults = Faults(
        drop=_share(mine.get("drop", "0"), name),
        corrupt=_share(mine.get("corrupt", "0"), name),
        stall_s=stall,
        stall_every_s=every,
        lose_after_s=seconds_from_text(mine.get("lose"), of=f"lose in {name}") or float("inf"),
        resize_every_s=seconds_from_text(mine.get("resize"), of=f"resize in {name}")
        or float("inf"),
        seed=int(_share(mine.get("seed", "0"), name)),
    )
    return base + (f"?{urlencode(others)}" if others else ""), faults


class FaultSource(Closing):
    """A source with faults. See :class:`hsi.runtime.source.Source`.

    Args:
        name: The address, without credentials.
        inner: The source; closed with this one.
        faults: What goes wrong.
    """

    def __init__(self, name: str, inner: Source, faults: Faults) -> None:
        self.name, self.live, self.fps = name, inner.live, inner.fps
        self.size = inner.size if faults.resize_every_s == float("inf") else None
        self.frame_count = inner.frame_count
        self._inner = inner
        self._faults = faults
        self._random = random.Random(faults.seed)
        self._opened: float | None = None
        self._stalls = 0

    def read(self, timeout_s: float) -> Frame | None:
        """Return the next frame that arrives, or None."""
        now = time.monotonic()
        self._opened = self._opened or now
        passed_s = now - self._opened
        if passed_s > self._faults.lose_after_s:
            raise SourceLost(f"{self.name}: the connection broke, as was asked for")
        if passed_s > (self._stalls + 1) * self._faults.stall_every_s:
            self._stalls += 1
            time.sleep(self._faults.stall_s)
        frame = self._inner.read(timeout_s)
        if frame is None or self._random.random() < self._faults.drop:
            return None
        if self._random.random() < self._faults.corrupt:
            raise CorruptFrame(self.name)
        return self._resized(replace(frame, source=self.name), passed_s)

    def close(self) -> None:
        """Close the source."""
        self._inner.close()

    def _resized(self, frame: Frame, passed_s: float) -> Frame:
        if passed_s // self._faults.resize_every_s % 2 == 0:
            return frame
        half = (max(1, frame.size[0] // 2), max(1, frame.size[1] // 2))
        image = cv2.resize(frame.image, half, interpolation=cv2.INTER_AREA)
        return replace(frame, image=np.asarray(image, np.uint8))


def _share(text: str, name: str) -> float:
    if not re.fullmatch(r"\d*\.?\d+", text):
        raise OptionError(f"{name}: a fault's share must be a number such as 0.02, got {text!r}")
    return float(text)


def _pair(text: str | None, name: str) -> tuple[float, float]:
    if text is None:
        return 0.0, float("inf")
    length, _, every = text.partition("/")
    of = f"stall in {name} (LENGTH/EVERY)"
    return seconds_from_text(length, of=of), seconds_from_text(every, of=of)
