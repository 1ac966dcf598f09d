"""What one evaluation takes, checked."""

from dataclasses import dataclass
from pathlib import Path

from hsi.evaluate.pair_list import PairList
from hsi.runtime.errors import OptionError

SIZES = (64, 4096)  # pixels: the least a network takes, and what VGG-19 fits into 64 GB with
RESAMPLINGS = 100_000  # more of them say no more and take minutes


@dataclass(frozen=True, kw_only=True)
class EvaluationOptions:
    """How one method is scored.

    Raises:
        OptionError: A value is out of range, or the values contradict each other.
    """

    pairs: PairList
    vgg: Path  # weights of VGG-19 up to relu4_1, normalised as AdaIN's
    method: Path | None = None  # a .hsi bundle or a folder of results; None: the baseline alone
    baseline: bool = False  # score the content picture itself as well
    strength: float | None = None  # share of the style, for a bundle; None: all of it
    codes: Path | None = None  # folder of a NAME.style for each style; None: the bundle's own codes
    size: int = 512  # pixels a side
    resamplings: int = 2000  # of the bootstrap; 0: plain standard errors over pairs
    seed: int = 0  # of the bootstrap
    out: Path | None = None  # folder for the report
    force: bool = False  # replace an older report
    threads: int | None = None  # CPU threads; None: as torch and the engine choose
    device: str | None = None  # what VGG-19 runs on; None: a CUDA device if there is one

    def __post_init__(self) -> None:
        self._check_method()
        check_size(self.size)
        if self.strength is not None and not 0 <= self.strength <= 1:
            raise OptionError(f"--strength must lie in [0, 1], got {self.strength}")
        if self.resamplings == 1 or not 0 <= self.resamplings <= RESAMPLINGS:
            raise OptionError(
                f"--bootstrap must be 0 or from 2 to {RESAMPLINGS}, got {self.resamplings}"
            )
        if self.seed < 0:
            raise OptionError(f"--seed must be 0 or more, got {self.seed}")
        if self.threads is not None and self.threads < 1:
            raise OptionError(f"--threads must be at least 1, got {self.threads}")

    def _check_method(self) -> None:
        if self.method is None and not self.baseline:
            raise OptionError(
                "expected a bundle, a folder of results or --baseline, got none: name the bundle "
                "or folder before --content"
            )
        if self.method is None and self.out is not None:
            raise OptionError("a report shows results: give a bundle or a folder of results")
        for name, value in (("--strength", self.strength), ("--codes", self.codes)):
            if value is not None and (self.method is None or self.method.is_dir()):
                raise OptionError(f"{name} is for a bundle: finished results have theirs")


def check_size(size: int) -> None:
    """Refuse a side of pictures that no network takes.

    Raises:
        OptionError: It is too small or too large.
    """
    if not SIZES[0] <= size <= SIZES[1]:
        raise OptionError(f"--size must be from {SIZES[0]} to {SIZES[1]}, got {size}")
