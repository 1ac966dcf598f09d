"""What callers hand to a stylizer, checked: fit for the engine, or an error."""

import numbers

import numpy as np
import numpy.typing as npt

from hsi.runtime.errors import FrameError, OptionError
from hsi.runtime.frame import Image
from hsi.runtime.manifest import FrameContract


def checked_picture(picture: Image, what: str) -> Image:
    """A picture `(H, W, 3) uint8`, C-contiguous: copied only where it is not.

    Raises:
        FrameError: It has another dtype, rank, channel count, or no pixels.
    """
    if not isinstance(picture, np.ndarray) or picture.dtype != np.uint8:
        found = getattr(picture, "dtype", type(picture).__name__)
        raise FrameError(
            f"{what}: expected a NumPy array of uint8, found {found}: convert it first"
        )
    if picture.ndim != 3 or picture.shape[2] != 3:
        raise FrameError(
            f"{what}: expected (H, W, 3) BGR, found shape {picture.shape}: convert it first"
        )
    if 0 in picture.shape:
        raise FrameError(f"{what}: expected pixels, found none: shape {picture.shape}")
    return np.ascontiguousarray(picture)


def checked_frame(frame: Image, contract: FrameContract, *, any_size: bool = False) -> Image:
    """A picture of a size the network takes, or with ``any_size`` a larger one.

    Raises:
        FrameError: It is no picture, too small or too large.
    """
    frame = checked_picture(frame, "frame")
    low, high = contract.min_side, contract.max_side
    shortest, longest = sorted(frame.shape[:2])
    if shortest < low or (longest > high and not any_size):
        raise FrameError(
            f"frame: expected sides from {low} to {high} pixels, found "
            f"{frame.shape[1]}x{frame.shape[0]}: resize it"
        )
    return frame


def checked_buffer(out: Image, frame: Image) -> Image:
    """A buffer the engine may write the styled frame to.

    Raises:
        FrameError: It has another dtype or shape, is not writeable, not C-contiguous, or shares
            memory with the frame.
    """
    if not isinstance(out, np.ndarray) or out.dtype != np.uint8 or out.shape != frame.shape:
        array = isinstance(out, np.ndarray)
        found = f"{out.dtype} of shape {out.shape}" if array else type(out).__name__
        raise FrameError(f"out: expected uint8 of shape {frame.shape}, found {found}")
    if not out.flags.c_contiguous or not out.flags.writeable:
        raise FrameError(
            "out: expected a writeable C-contiguous buffer, found another: allocate one"
        )
    if np.may_share_memory(out, frame):
        raise FrameError(
            "out: expected a buffer apart from the frame, found one that overlaps it: allocate one"
        )
    return out


def checked_statistics(statistics: npt.NDArray[np.float32], size: int) -> npt.NDArray[np.float32]:
    """The statistics of an earlier result.

    Raises:
        FrameError: There are too few or too many, or some are no finite numbers.
    """
    try:
        with np.errstate(over="ignore"):
            found = np.ascontiguousarray(statistics, np.float32)
    except (TypeError, ValueError) as error:
        raise FrameError(
            f"statistics: expected {size} numbers from an earlier result, found "
            f"{type(statistics).__name__}"
        ) from error
    if found.shape != (size,):
        raise FrameError(
            f"statistics: expected {size} numbers from an earlier result, found shape {found.shape}"
        )
    if not np.isfinite(found).all():
        raise FrameError("statistics: expected finite numbers, found NaN or infinity")
    return found


def checked_share(value: float, what: str) -> float:
    """A number in [0, 1].

    Raises:
        OptionError: It is not.
    """
    if not isinstance(value, numbers.Real) or not 0.0 <= value <= 1.0:
        raise OptionError(f"{what} must lie in [0, 1], got {value!r}")
    return float(value)
