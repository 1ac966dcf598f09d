"""How a run goes and when it ends."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from hsi.runtime.errors import OptionError


class Policy(enum.Enum):
    """What happens to a frame that comes while the network is busy."""

    LATEST = "latest"  # the newest frame wins, older ones are dropped and counted
    EVERY = "every"  # the source waits, nothing is dropped


class OnFault(enum.Enum):
    """What outputs get when the network fails or no new picture comes."""

    STOP = "stop"  # nothing; a fault of the network ends the run
    HOLD = "hold"  # the last stylised picture
    PASSTHROUGH = "passthrough"  # the frame itself
    PATTERN = "pattern"  # plain grey


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """How a run goes and when it ends."""

    policy: Policy | None = None  # None: latest for live sources, every for the others
    frames: int | None = None  # end after so many shown frames
    duration_s: float | None = None  # end after so many seconds of stream time
    size: tuple[int, int] | None = None  # (width, height): resize frames before the network
    queue: int = 2  # frames that may wait for the network under `every`
    on_fault: OnFault = OnFault.STOP
    max_age_s: float | None = None  # a frame that waited longer is dropped, not stylised
    max_latency_s: float | None = None  # from arrival to picture; beyond, fewer pixels
    stall_s: float = 2.5  # a live source silent for so long, or three of its frames, is lost
    open_s: float = 10.0  # a live source that takes longer to open is given up
    back_off_s: tuple[float, float] = (0.25, 1.0)  # the first and the longest wait to reconnect
    healthy_s: float = 5.0  # after so long without a fault the waits begin anew
    trace: int | None = None  # log where every so many-th frame has been
    drain_s: float = 3.5  # time to finish what is begun after a stop
    expected_frames: int | None = None  # what the sources promise, for the time left
    progress_s: float = 0.5  # how often `on_progress` is called

    def __post_init__(self) -> None:
        for name in ("frames", "queue", "trace"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise OptionError(f"{name} must be a positive whole number, got {value}")
        for name in (
            "duration_s", "max_age_s", "max_latency_s", "stall_s", "open_s", "healthy_s", "drain_s",
            "progress_s",
        ):  # fmt: skip
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise OptionError(f"{name} must be more than 0 seconds, got {value}")
        first_s, longest_s = self.back_off_s
        if not 0 < first_s <= longest_s:
            raise OptionError(
                f"back_off_s must be two growing times over 0, got {first_s:g} and {longest_s:g}"
            )
        if self.size is not None and min(self.size) < 1:
            raise OptionError(f"size must be positive, got {self.size[0]}x{self.size[1]}")
