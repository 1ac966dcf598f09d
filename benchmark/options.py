"""What is timed."""

from dataclasses import dataclass
from pathlib import Path

from hsi.runtime.engine import ENGINES
from hsi.runtime.errors import OptionError

PRECISIONS = ("fp32", "fp16", "int8")


@dataclass(frozen=True, kw_only=True)
class BenchOptions:
    """One comparison: every engine at every precision, at every size."""

    model: Path | None = None  # bundle; None: the shipped one
    engines: tuple[str, ...] = ("auto",)
    precisions: tuple[str | None, ...] = (None,)  # None: what the engine chooses
    sizes: tuple[tuple[int, int], ...] = ((1280, 720),)  # (width, height) in pixels
    seconds: float = 10.0  # of measuring, per contestant
    threads: int | None = None  # of the processor; None: all
    verify: bool = True  # self-test first: a wrong picture may well be fast

    def __post_init__(self) -> None:
        for name, known in (("engines", ENGINES), ("precisions", (None, *PRECISIONS))):
            values = getattr(self, name)
            if not values or len(set(values)) < len(values):
                raise OptionError(f"{name} must be given, each once, got {values}")
            if unknown := [value for value in values if value not in known]:
                told = ", ".join(one for one in known if one)
                raise OptionError(f"{name} must be of {told}, got {unknown[0]!r}")
        if not self.sizes or len(set(self.sizes)) < len(self.sizes):
            raise OptionError(f"sizes must be given, each once, got {self.sizes}")
        if not 0 < self.seconds <= 3600:
            raise OptionError(f"seconds must be above 0 and at most 3600, got {self.seconds:g}")
