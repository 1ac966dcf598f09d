"""What one lane of a run plays."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from hsi.runtime.frame import Frame, Image
from hsi.runtime.output import Output
from hsi.runtime.source import Source

Stylize = Callable[[Frame], Image]


def _keep(image: Image) -> None:
    pass


@dataclass(frozen=True, kw_only=True)
class Feed:
    """What one lane plays, through what, and where to."""

    name: str  # the address, without credentials
    sources: Iterable[Source]  # open ones, taken in turn and closed; a generator may open them
    stylize: Stylize
    outputs: Sequence[Output]  # entered contexts; the caller leaves them
    reopen: Callable[[], Source] | None = None  # opens the camera again; None: nothing is retried
    recycle: Callable[[Image], None] = _keep  # given each result of `stylize` when nobody reads it
    set_resolution: Callable[[float], None] | None = None  # share of the sides it shall see
