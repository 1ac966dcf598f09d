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


@dataclass(frozen=True, kw_only=True, eq=False)
class StyleCode:
    """Everything the frame path needs of a style, for one style encoder."""

    values: npt.NDArray[np.float32]  # (K,), read only
    encoder: str  # SHA-256 of the style encoder it was made by: codes fit no other
    name: str = "style"

    def __post_init__(self) -> None:
        values = np.array(self.values, dtype=np.float32)  # a copy of our own, to freeze
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
    weights = np.array([weight for _, weight in codes], dtype=np.float64)
    if not len(codes) or not np.isfinite(weights).all() or (weights < 0).any() or not weights.sum():
        raise OptionError(
            f"style weights must be 0 or more and not all 0, got {weights.tolist() or 'none'}"
        )
    encoders = {code.encoder for code, _ in codes}
    if len(encoders) > 1:
        raise OptionError("styles to blend must come from one style encoder, got several: encode anew")
    weights /= weights.sum()
    mixed = sum(w * code.values.astype(np.float64) for w, (code, _) in zip(weights, codes, strict=True))
    name = "+".join(code.name for code, _ in codes)
    return StyleCode(values=np.asarray(mixed, np.float32), encoder=encoders.pop(), name=name)


class StyleCache:
    """Style codes on disk, by encoder and by the hash of the picture's bytes.

    The cache only saves time: one that cannot be read or written is as good as empty.

    Args:
        folder: Where; None for ``$XDG_CACHE_HOME/hsi-edge/styles``.
    """

    def __init__(self, folder: Path | None = None) -> None:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        self.folder = folder or base / "hsi-edge" / "styles"

    def get(self, encoder: str, picture: bytes, size: int) -> npt.NDArray[np.float32] | None:
        """The `(size,)` code of a picture, or None."""
        try:
            values = np.load(self._path(encoder, picture), allow_pickle=False)
        except (OSError, ValueError, EOFError):
            return None
        good = values.shape == (size,) and values.dtype == np.float32 and np.isfinite(values).all()
        return values if good else None

    def put(self, encoder: str, picture: bytes, values: npt.NDArray[np.float32]) -> None:
        """Keep a code."""
        path = self._path(encoder, picture)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".part", delete=False) as beside:
                np.save(beside, values, allow_pickle=False)
            os.replace(beside.name, path)
        except OSError as error:
            log.debug("style cache %s cannot be written: %s", path.parent, error)

    def _path(self, encoder: str, picture: bytes) -> Path:
        return self.folder / encoder[:16] / f"{hashlib.sha256(picture).hexdigest()}.npy"
