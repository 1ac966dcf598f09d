"""The output that keeps nothing: for measuring, and for running without a result."""

from __future__ import annotations

from types import TracebackType

from hsi.runtime.frame import Frame, Image


class NullOutput:
    """Takes frames and forgets them. See :class:`hsi.runtime.output.Output`."""

    name = "null:"
    thread_bound = False

    def write(self, frame: Frame, image: Image) -> None:
        """Do nothing."""

    def __enter__(self) -> NullOutput:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Do nothing."""
