"""What a user may say of TensorRT engines."""

from dataclasses import dataclass
from pathlib import Path

from hsi.runtime.errors import OptionError
from hsi.runtime.trt.profile import Size


@dataclass(frozen=True, kw_only=True)
class TensorRtOptions:
    """How plans are built and where they are kept."""

    min_size: Size | None = None  # (width, height) of the smallest frame; None: that of the first
    max_size: Size | None = None  # likewise of the largest
    workspace_mib: int | None = None  # scratch memory that layers may use; None: the device's
    optimization_level: int = 3  # 0 to 5: how long the builder looks for faster kernels
    tf32: bool = False  # what a graph says in FP32 may be computed with 10 bits of fraction
    version_compatible: bool = False  # the next major version of TensorRT takes the plan too
    cache_dir: Path | None = None  # None: $XDG_CACHE_HOME/hsi-edge/tensorrt

    def __post_init__(self) -> None:
        for name in ("min_size", "max_size"):
            size = getattr(self, name)
            if size is not None and min(size) < 1:
                raise OptionError(f"{name} must have sides above 0, got {size}")
        if self.min_size and self.max_size:
            smaller = zip(self.min_size, self.max_size, strict=True)
            if any(least > most for least, most in smaller):
                raise OptionError(
                    f"min_size must be within max_size, got {self.min_size} and {self.max_size}"
                )
        if self.workspace_mib is not None and self.workspace_mib < 1:
            raise OptionError(f"workspace_mib must be at least 1, got {self.workspace_mib}")
        if not 0 <= self.optimization_level <= 5:
            raise OptionError(
                f"optimization_level must be from 0 to 5, got {self.optimization_level}"
            )
