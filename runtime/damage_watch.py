"""Which pictures of a live stream are whole."""

from __future__ import annotations

import statistics
from collections import deque
from typing import Any

import av

from hsi.runtime.h264_numbers import H264Numbers

_PERIODS = 15  # distances between frames that tell the usual one
_GAP = 1.5  # usual distances: more, and a frame between is missing


class DamageWatch:
    """Follows a decoder's pictures: what was made from a damaged or missing one is damaged too.

    Up to the next key frame, that is. A decoder marks pictures of which a part is missing; a whole
    picture that never came is noticed by the numbers of those that did (H.264), and by the time
    that it leaves open.

    Args:
        lossy: Whether whole pictures can get lost on the way, as with UDP. A camera that leaves
            pictures out by itself then loses those up to the next key frame.
        fps: Pictures a second as the camera says, or None.
        numbers: Of H.264, else None.
    """

    def __init__(
        self, *, lossy: bool, fps: float | None = None, numbers: H264Numbers | None = None
    ) -> None:
        self._lossy = lossy
        self._said_s = None if fps is None else 1 / fps
        self._numbers = numbers
        self._whole = True
        self._damaged_pts: int | None = None  # of the last damage, until a key frame follows
        self._last_s: float | None = None
        self._periods_s: deque[float] = deque(maxlen=_PERIODS)

    def note_packet(self, packet: av.Packet[Any]) -> None:
        """Note what is decoded next."""
        if self._numbers is not None and self._numbers.misses_one(bytes(packet)):
            self.note_damage(packet)

    def note_damage(self, packet: av.Packet[Any]) -> None:
        """Note data from which no whole picture comes."""
        self._whole = False
        self._damaged_pts = packet.pts

    def is_whole(self, picture: av.VideoFrame, *, torn: bool = False) -> bool:
        """Tell whether a picture is as the camera made it.

        Args:
            picture: The next one.
            torn: Whether its packet came incomplete.
        """
        missing = self._misses_one(picture)
        if torn or picture.is_corrupt:
            self._whole = False
        elif picture.key_frame:
            self._whole = self._mends(picture)
        elif missing:
            self._whole = False
        return self._whole

    def _mends(self, key: av.VideoFrame) -> bool:
        # Where pictures are reordered, those before the damage may come after it is noted.
        damaged_pts, self._damaged_pts = self._damaged_pts, None
        return damaged_pts is None or key.pts is None or key.pts >= damaged_pts

    def _misses_one(self, picture: Any) -> bool:
        if not self._lossy or picture.time is None:
            return False
        last_s, self._last_s = self._last_s, float(picture.time)
        if last_s is None or not self._last_s > last_s:
            return False
        period_s = self._last_s - last_s
        self._periods_s.append(period_s)
        return period_s > _GAP * self._usual_s()

    def _usual_s(self) -> float:
        usual_s = statistics.median(self._periods_s)
        if self._said_s is None:
            return usual_s
        if len(self._periods_s) < _PERIODS:
            return self._said_s
        # Where most frames get lost, most distances are too long. What the camera says counts for
        # as long as it is seen now and then: some say twice what they send.
        seen = min(self._periods_s) < _GAP * self._said_s
        return min(usual_s, self._said_s) if seen else usual_s


def watchful(decoder: Any) -> None:
    """Set up a decoder for a camera: it hides no damage, and holds no frame back."""
    # Frame threads hold back as many frames as there are threads, and with slice threads a frame
    # without one of its slices comes out green and unmarked.
    decoder.thread_count = 1
    # Of these, "aggressive" refuses an H.264 picture whose data does not end with its last block.
    flags = "explode+crccheck+bitstream+buffer+careful+compliant+aggressive"
    decoder.options = {"err_detect": flags}
