"""The one object a program needs: frames in, stylised frames out."""

import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from hsi.runtime.bundle import Bundle, shipped_bundle
from hsi.runtime.engine import Engine, open_engine
from hsi.runtime.errors import EngineError, FrameError, OptionError, QualityError, SourceError
from hsi.runtime.manifest import Manifest
from hsi.runtime.style_code import StyleCache, StyleCode, blend
from hsi.runtime.styles import DEFAULT_STYLE, style_path

log = logging.getLogger(__name__)

Image = npt.NDArray[np.uint8]
Style: TypeAlias = str | os.PathLike[str] | Image | StyleCode
MIN_STYLE_SIDE = 64


@dataclass(frozen=True, kw_only=True)
class Stylised:
    """A stylised frame and the global statistics it was made with."""

    image: Image  # (H, W, 3) uint8 BGR; the caller's buffer where one was given
    statistics: npt.NDArray[np.float32]  # (S,), to feed back or to share between tiles


@dataclass(frozen=True)
class _Look:
    """What the next frame is made with. Replaced whole, so a frame never sees half a change."""

    code: StyleCode | None
    strength: float


class Stylizer:
    """A network on an engine, with a style set. Made by :func:`load`; a context manager.

    Frames may come from several threads at once, and the style may be changed from any: a change
    takes effect between two frames.
    """

    def __init__(self, bundle: Bundle, engine: Engine, cache: StyleCache) -> None:
        self._bundle = bundle
        self._engine: Engine | None = engine
        self._cache = cache
        self._encoder = bundle.manifest.part(bundle.manifest.style_encoder.part).sha256
        self._look = _Look(code=None, strength=1.0)
        self.engine_name = engine.name

    @property
    def manifest(self) -> Manifest:
        """The bundle's contract."""
        return self._bundle.manifest

    @property
    def style(self) -> StyleCode | None:
        """The code in use; None until one is set."""
        return self._look.code

    @property
    def strength(self) -> float:
        """Share of the style: 0 gives the frame itself, exactly; 1 the whole style."""
        return self._look.strength

    @strength.setter
    def strength(self, value: float) -> None:
        self._look = _Look(code=self._look.code, strength=_checked_strength(value))

    def set_style(
        self, style: Style | Sequence[tuple[Style, float]], *, strength: float | None = None
    ) -> None:
        """Change the style, from the next frame on.

        Args:
            style: A picture's path, a shipped style's name, a picture `(H, W, 3) uint8 BGR`, a
                code, or several of these with weights, to blend.
            strength: In [0, 1]; None keeps it.

        Raises:
            SourceError: The picture cannot be read.
            OptionError: The name, a weight or the strength is none.
            FrameError: The array is no picture.
        """
        code = self.encode_style(style)
        kept = self._look.strength if strength is None else _checked_strength(strength)
        self._look = _Look(code=code, strength=kept)

    def encode_style(self, style: Style | Sequence[tuple[Style, float]]) -> StyleCode:
        """The code of a style, from the cache on disk where it is known. Raises as ``set_style``."""
        if isinstance(style, StyleCode):
            return self._own(style)
        if isinstance(style, np.ndarray):
            return self._encode(style, style.tobytes() + repr(style.shape).encode(), "array")
        if isinstance(style, (str, os.PathLike)):
            path = style_path(os.fspath(style))
            try:
                data = path.read_bytes()
            except OSError as error:
                raise SourceError(f"style {path}: cannot be read: {error.strerror}") from error
            return self._encode(None, data, path.stem)
        return blend([(self.encode_style(one), weight) for one, weight in style])

    def __call__(self, frame: Image, *, out: Image | None = None) -> Image:
        """Stylise one frame.

        Args:
            frame: `(H, W, 3) uint8 BGR`. Read, never written.
            out: A buffer of the same shape to write to, C-contiguous, apart from ``frame``.

        Returns:
            ``out``, or a fresh array.

        Raises:
            FrameError: The frame or the buffer has a wrong dtype, rank or size.
            EngineError: The engine failed.
        """
        return self.stylize(frame, out=out).image

    def stylize(
        self,
        frame: Image,
        *,
        statistics: npt.NDArray[np.float32] | None = None,
        statistics_weight: float = 1.0,
        out: Image | None = None,
    ) -> Stylised:
        """Stylise one frame with global statistics fed in, and get those used back.

        Args:
            frame: As in ``__call__``.
            statistics: `(S,)` from an earlier result: of the whole frame for a tile, of the last
                frame for a video. None for the frame's own.
            statistics_weight: In [0, 1]: their share against the frame's own.
            out: As in ``__call__``.

        Raises:
            FrameError, EngineError: As in ``__call__``.
        """
        engine, look = self._opened(), self._look
        if look.code is None:
            self.set_style(DEFAULT_STYLE)
            look = self._look
        assert look.code is not None
        frame = _checked_frame(frame, self.manifest)
        out = np.empty_like(frame) if out is None else _checked_out(out, frame)
        size = self.manifest.statistics_size
        fed = np.zeros((1, size), np.float32)
        if statistics is not None:
            fed[0] = _checked_statistics(statistics, size)
        weight = 0.0 if statistics is None else statistics_weight
        used = engine.stylize(
            frame[np.newaxis],
            look.code.values[np.newaxis],
            fed,
            np.full((1, 1), weight, np.float32),
            np.full((1, 1), look.strength, np.float32),
            out[np.newaxis],
        )
        return Stylised(image=out, statistics=used[0])

    def self_test(self) -> None:
        """Stylise the bundle's golden frame and compare.

        Raises:
            QualityError: The result is not the one the bundle was exported with.
        """
        golden, engine = self.manifest.golden, self._opened()
        frame = self._bundle.read_picture(golden.frame)[np.newaxis]
        style = self._bundle.read_picture(golden.style)[np.newaxis]
        wanted = self._bundle.read_picture(golden.stylised)[np.newaxis]
        made = np.empty_like(frame)
        nothing = np.zeros((1, self.manifest.statistics_size), np.float32)
        zero, one = np.zeros((1, 1), np.float32), np.ones((1, 1), np.float32)
        engine.stylize(frame, engine.encode_style(style), nothing, zero, one, made)
        difference = cv2.absdiff(made[0], wanted[0])
        worst, share = int(difference.max()), float((difference > 1).mean())
        log.debug("self-test: worst difference %d of 255, share over 1: %.2g", worst, share)
        if worst > golden.max_difference or share > golden.max_share_over_one:
            raise QualityError(
                f"{self._bundle.path}: self-test failed on {self.engine_name}: expected at most "
                f"{golden.max_difference} of 255 and {golden.max_share_over_one:.2%} of values over "
                f"1, found {worst} and {share:.2%}: try another --engine, or export the model here"
            )

    def close(self) -> None:
        """Give the engine back."""
        if self._engine is not None:
            self._engine.close()
            self._engine = None

    def __enter__(self) -> "Stylizer":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _opened(self) -> Engine:
        if self._engine is None:
            raise EngineError("this stylizer is closed: load the bundle again")
        return self._engine

    def _own(self, code: StyleCode) -> StyleCode:
        if code.encoder != self._encoder:
            raise OptionError(
                f"style code {code.name} was made by another network's style encoder: encode the "
                "picture again with this bundle"
            )
        return code

    def _encode(self, picture: Image | None, data: bytes, name: str) -> StyleCode:
        size = self.manifest.style_code_size
        values = self._cache.get(self._encoder, data, size)
        if values is None:
            picture = _decoded(data, name) if picture is None else _checked_picture(picture)
            sized = _style_sized(picture, self.manifest.style_short_side)
            values = self._opened().encode_style(sized[np.newaxis])[0]
            self._cache.put(self._encoder, data, values)
        return StyleCode(values=values, encoder=self._encoder, name=name)


def load(
    bundle: str | os.PathLike[str] | None = None,
    *,
    engine: str = "auto",
    threads: int | None = None,
    verify: bool = True,
    cache_dir: str | os.PathLike[str] | None = None,
) -> Stylizer:
    """Open a bundle on the best engine of this machine.

    Args:
        bundle: A ``.hsi`` file; None for the shipped one.
        engine: ``auto`` or a name in ``hsi.runtime.ENGINES``.
        threads: CPU threads; None for all cores.
        verify: Stylise the golden frame first and compare.
        cache_dir: Where style codes are kept; None for the user's cache.

    Returns:
        A stylizer with the shipped default style until another is set.

    Raises:
        BundleError: The file is no bundle, damaged, unsafe or too new.
        EngineError: No engine can run it here.
        QualityError: The self-test failed.
    """
    opened = Bundle(shipped_bundle() if bundle is None else bundle)
    cache = StyleCache(None if cache_dir is None else Path(cache_dir))
    stylizer = Stylizer(opened, open_engine(opened, engine, threads), cache)
    if verify:
        try:
            opened.verify()
            stylizer.self_test()
        except BaseException:
            stylizer.close()
            raise
    return stylizer


def _decoded(data: bytes, name: str) -> Image:
    try:
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if data else None
    except cv2.error:
        picture = None  # a picture too large for OpenCV
    if picture is None:
        raise SourceError(f"style {name}: expected a picture (JPEG, PNG, ...), found none in it")
    return picture.astype(np.uint8, copy=False)


def _style_sized(picture: Image, short_side: int) -> Image:
    """Shrunk to the size the style side was trained near; tiny pictures are grown to the least."""
    height, width = picture.shape[:2]
    side = min(height, width)
    wanted = max(min(side, short_side), MIN_STYLE_SIDE)
    if wanted == side:
        return np.ascontiguousarray(picture)
    longest = 4 * wanted  # a panorama is squeezed rather than let its long side grow
    size = (
        min(longest, max(wanted, round(width * wanted / side))),
        min(longest, max(wanted, round(height * wanted / side))),
    )
    method = cv2.INTER_AREA if wanted < side else cv2.INTER_LINEAR
    return cv2.resize(picture, size, interpolation=method).astype(np.uint8, copy=False)


def _checked_picture(frame: Image) -> Image:
    if not isinstance(frame, np.ndarray) or frame.dtype != np.uint8:
        found = getattr(frame, "dtype", type(frame).__name__)
        raise FrameError(f"frame: expected a NumPy array of uint8, found {found}: convert it first")
    if frame.ndim != 3 or frame.shape[2] != 3:
        raise FrameError(f"frame: expected (H, W, 3) BGR, found shape {frame.shape}")
    if 0 in frame.shape:
        raise FrameError(f"frame: expected pixels, found none: shape {frame.shape}")
    return np.ascontiguousarray(frame)


def _checked_frame(frame: Image, manifest: Manifest) -> Image:
    frame = _checked_picture(frame)
    low, high = manifest.frame.min_side, manifest.frame.max_side
    if not all(low <= side <= high for side in frame.shape[:2]):
        raise FrameError(
            f"frame: expected sides from {low} to {high} pixels, found "
            f"{frame.shape[1]}x{frame.shape[0]}: resize it"
        )
    return frame


def _checked_out(out: Image, frame: Image) -> Image:
    if not isinstance(out, np.ndarray) or out.dtype != np.uint8 or out.shape != frame.shape:
        found = getattr(out, "shape", type(out).__name__)
        raise FrameError(f"out: expected uint8 of shape {frame.shape}, found {found}")
    if not out.flags.c_contiguous or not out.flags.writeable:
        raise FrameError("out: expected a writeable C-contiguous buffer, found another: allocate one")
    if np.may_share_memory(out, frame):
        raise FrameError("out: expected a buffer apart from the frame, found one that overlaps it")
    return out


def _checked_statistics(
    statistics: npt.NDArray[np.float32], size: int
) -> npt.NDArray[np.float32]:
    found = np.asarray(statistics)
    if found.shape != (size,) or not np.isfinite(found).all():
        raise FrameError(
            f"statistics: expected {size} numbers from an earlier result, found shape {found.shape}"
        )
    return found.astype(np.float32, copy=False)


def _checked_strength(value: float) -> float:
    if not 0.0 <= value <= 1.0:
        raise OptionError(f"strength must lie in [0, 1], got {value}")
    return float(value)
