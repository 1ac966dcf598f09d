"""Style codes: a style picture boiled down to a few kilobytes, kept on disk by content hash."""

import hashlib
import logging
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hsi.runtime.errors import FrameError, OptionError

log = logging.getLogger(__name__)

DIGEST_BYTES = 32  # of SHA-256


@dataclass(frozen=True, kw_only=True, eq=False)
class StyleCode:
    """Everything the frame path needs of a style, for one style encoder."""

    values: npt.NDArray[np.float32]  # (K,), read only
    encoder: str  # SHA-256 of the style encoder it was made by: codes fit no other
    name: str = "style"

    def __post_init__(self) -> None:
        try:
            with np.errstate(over="ignore"):
                values = np.array(self.values, dtype=np.float32)  # a copy of our own, to freeze
        except (TypeError, ValueError) as error:
            raise FrameError(
                f"style code {self.name}: expected a vector of numbers, found "
                f"{type(self.values).__name__}"
            ) from error
        if values.ndim != 1 or not np.isfinite(values).all():
            raise FrameError(
                f"style code {self.name}: expected a vector of numbers, found shape {values.shape}"
                + ("" if np.isfinite(values).all() else " with NaN or infinity")
            )
        values.setflags(write=False)
        object.__setattr__(self, "values", values)


def blend(codes: Sequence[tuple[StyleCode, float]]) -> StyleCode:
    """The weighted mean of style codes; weights are scaled to sum to 1.

    Raises:
        OptionError: There is none, a weight is negative or all are 0, or the codes belong to
            different encoders.
    """
    try:
        weights = np.array([weight for _, weight in codes], dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise OptionError("styles to blend must be pairs of a style and a number") from error
    if not len(codes) or not np.isfinite(weights).all() or (weights < 0).any() or not weights.sum():
        raise OptionError(
            f"style weights must be 0 or more and not all 0, got {weights.tolist() or 'none'}"
        )
    if len({(code.encoder, code.values.size) for code, _ in codes}) > 1:
        raise OptionError(
            "styles to blend must come from one style encoder, got several: encode them anew"
        )
    values = np.stack([code.values for code, _ in codes]).astype(np.float64)
    mixed = (weights / weights.sum()) @ values
    name = "+".join(code.name for code, _ in codes)
    return StyleCode(values=mixed.astype(np.float32), encoder=codes[0][0].encoder, name=name)


class StyleCache:
    """Style codes on disk, by encoder and by the hash of the picture's bytes.

    The cache only saves time: one that cannot be read or written is as good as empty. A file holds
    the SHA-256 of the code, then the code as little-endian float32.

    Args:
        folder: Where; None for ``$XDG_CACHE_HOME/hsi-edge/styles``.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or cache_home() / "hsi-edge" / "styles"

    def get(self, encoder: str, picture: bytes, size: int) -> npt.NDArray[np.float32] | None:
        """The `(size,)` code of a picture, or None."""
        try:
            data = self._path(encoder, picture).read_bytes()
        except OSError:
            return None
        body = data[DIGEST_BYTES:]
        if len(body) != 4 * size or hashlib.sha256(body).digest() != data[:DIGEST_BYTES]:
            return None
        return np.frombuffer(body, "<f4").astype(np.float32)

    def put(self, encoder: str, picture: bytes, values: npt.NDArray[np.float32]) -> None:
        """Keep a code."""
        path = self._path(encoder, picture)
        body = values.astype("<f4").tobytes()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=path.parent) as beside:
                fresh = Path(beside) / path.name
                fresh.write_bytes(hashlib.sha256(body).digest() + body)
                os.replace(fresh, path)
        except OSError as error:
            log.debug("style cache %s cannot be written: %s", path.parent, error)

    def _path(self, encoder: str, picture: bytes) -> Path:
        return self.folder / encoder[:16] / f"{hashlib.sha256(picture).hexdigest()}.code"


def cache_home() -> Path:
    """The user's folder of what can be made again; one that does not exist where there is none."""
    told = Path(os.environ.get("XDG_CACHE_HOME", ""))
    if told.is_absolute():
        return told
    try:
        return Path.home() / ".cache"
    except RuntimeError:  # a user without a home, as in some containers
        return Path(os.devnull)  # nothing can be kept below it
