"""One engine with one bundle, ready to be timed."""

import os
from pathlib import Path
from types import TracebackType
from typing import Protocol, runtime_checkable

import numpy as np

from hsi.runtime import StyleCode, Stylizer
from hsi.runtime.bundle import Bundle, shipped_bundle
from hsi.runtime.engine import open_engine
from hsi.runtime.errors import EngineError
from hsi.runtime.frame import Image
from hsi.runtime.style_code import StyleCache
from hsi.runtime.styles import DEFAULT_STYLE
from hsi.runtime.trt.cuda import free_device_mib

STATM = Path("/proc/self/statm")
WARM_UPS = 2  # the first frame of a size allocates, the second may be recorded


@runtime_checkable
class Builds(Protocol):
    """An engine that builds for minutes, and runs another meanwhile."""

    def wait(self, shape: tuple[int, ...]) -> None:
        """Until batches of a shape run on it."""


@runtime_checkable
class TellsCompute(Protocol):
    """An engine that knows how long the device worked on the last frame."""

    @property
    def compute_ms(self) -> float | None:
        """Milliseconds without transfers."""


class Contestant:
    """Opened as a context manager; its memory is what the process grew by until it ran.

    Args:
        model: Bundle; None for the shipped one.
        asked: The engine's name.
        precision: Of the stylizer; None for what the engine chooses.
        threads: Of the processor.
        verify: Whether it must give the golden picture first.

    Raises:
        BundleError: There is no such precision.
        EngineError: The engine does not run here.
        QualityError: The self-test failed.
    """

    def __init__(
        self,
        model: Path | None,
        asked: str,
        precision: str | None,
        threads: int | None,
        verify: bool,
    ) -> None:
        self.asked = asked
        self._before = (resident_mib(), free_device_mib())
        bundle = Bundle(model or shipped_bundle())
        if precision is not None:
            bundle.restrict(precision)
        self._engine = open_engine(bundle, asked, threads)
        self._stylizer = Stylizer(bundle, self._engine, StyleCache())
        self.precision = bundle.manifest.stylizer.precision
        try:
            if verify:
                self._stylizer.self_test()
            self._stylizer.set_style(DEFAULT_STYLE)
        except BaseException:
            self._stylizer.close()
            raise
        self.memory_mib: float | None = None
        self.device_mib: float | None = None

    @property
    def engine(self) -> str:
        """What ran the last frame."""
        return self._stylizer.engine_name

    @property
    def style(self) -> StyleCode | None:
        """The code in use."""
        return self._stylizer.style

    def prepare(self, frame: Image) -> None:
        """Run the first frames of a size, and make sure that the engine asked for runs them.

        Raises:
            EngineError: Another engine ran them, or the engine failed.
        """
        if isinstance(self._engine, Builds):
            self._engine.wait((1, *frame.shape))
        out = np.empty_like(frame)
        for _ in range(WARM_UPS):
            self.run(frame, out)
        if self.asked not in ("auto", self.engine):
            raise EngineError(
                f"engine {self.asked} was asked for but {self.engine} ran: see -v, or ask for "
                "--engine auto"
            )
        resident, free = self._before
        self.memory_mib = _more(resident, resident_mib())
        self.device_mib = _more(free_device_mib(), free)

    def run(self, frame: Image, out: Image) -> None:
        """Stylise a frame `(H, W, 3) uint8 BGR` into a buffer like it."""
        self._stylizer(frame, out=out)

    @property
    def compute_ms(self) -> float | None:
        """What the device alone spent on the last frame; None where the engine does not tell."""
        return self._engine.compute_ms if isinstance(self._engine, TellsCompute) else None

    def __enter__(self) -> "Contestant":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stylizer.close()


def resident_mib() -> float | None:
    """Memory of this process in MiB; None where the system does not tell."""
    try:
        pages = int(STATM.read_text().split()[1])
    except (OSError, ValueError, IndexError):
        return None
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def _more(before: float | None, after: float | None) -> float | None:
    if before is None or after is None:
        return None
    return round(max(after - before, 0.0), 1)
