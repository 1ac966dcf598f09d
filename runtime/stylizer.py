"""The one object a program needs: frames in, stylised frames out."""

import logging
import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from hsi.runtime.bundle import Bundle
from hsi.runtime.checks import (
    checked_buffer,
    checked_frame,
    checked_picture,
    checked_share,
    checked_statistics,
)
from hsi.runtime.closing import Closing
from hsi.runtime.drift_reference import DriftReference, drift_reference_of
from hsi.runtime.engine import Engine
from hsi.runtime.errors import EngineError, OptionError, SourceError
from hsi.runtime.frame import Image
from hsi.runtime.manifest import Manifest
from hsi.runtime.self_test import self_test
from hsi.runtime.style_code import StyleCache, StyleCode, blend
from hsi.runtime.style_file import STYLE_SUFFIX, load_style
from hsi.runtime.style_picture import sized_style, style_from_bytes
from hsi.runtime.styles import DEFAULT_STYLE, style_path
from hsi.runtime.tiled_engine import TiledEngine
from hsi.runtime.tiling import Tiling

log = logging.getLogger(__name__)

Style: TypeAlias = str | os.PathLike[str] | Image | StyleCode


@dataclass(frozen=True, kw_only=True)
class Stylised:
    """A stylised frame and the global statistics it was made with."""

    image: Image  # (H, W, 3) uint8 BGR; the caller's buffer where one was given
    statistics: npt.NDArray[np.float32]  # (S,), to feed back or to share between tiles
    style: StyleCode  # the one it was made with: another thread may have set the next already
    strength: float  # likewise


@dataclass(frozen=True)
class _Setting:
    """What the next frame is made with. Replaced whole, so a frame never sees half a change."""

    code: StyleCode | None
    strength: float


class Stylizer(Closing):
    """A network on an engine, with a style set. Made by :func:`load`; a context manager.

    Frames may come from several threads at once, and the style may be changed from any: a change
    takes effect between two frames.

    Args:
        bundle: What to run.
        engine: What runs it; closed with this.
        cache: Of style codes.
        tiling: Which frames are cut into tiles; None: none, and frames have a largest size.
    """

    def __init__(
        self, bundle: Bundle, engine: Engine, cache: StyleCache, tiling: Tiling | None = None
    ) -> None:
        self._bundle = bundle
        self._any_size = tiling is not None
        self._engine: Engine | None = engine
        if tiling is not None:
            self._engine = TiledEngine(engine, tiling, bundle.manifest.statistics)
        self._cache = cache
        self._encoder = bundle.manifest.part(bundle.manifest.style_encoder.part).sha256
        self._setting = _Setting(code=None, strength=1.0)
        self._changing = threading.Lock()  # held while it is replaced, never while encoding
        self._engine_name = engine.name

    @property
    def engine_name(self) -> str:
        """What stylised the last frame. An engine may hand over to another while it is built."""
        if self._engine is not None:
            self._engine_name = self._engine.name
        return self._engine_name

    @property
    def manifest(self) -> Manifest:
        """The bundle's contract."""
        return self._bundle.manifest

    @property
    def style(self) -> StyleCode | None:
        """The code in use; None until one is set."""
        return self._setting.code

    @property
    def strength(self) -> float:
        """Share of the style: 0 gives the frame itself, exactly; 1 the whole style."""
        return self._setting.strength

    @strength.setter
    def strength(self, value: float) -> None:
        checked = checked_share(value, "strength")
        with self._changing:
            self._setting = replace(self._setting, strength=checked)

    def set_style(
        self, style: Style | Sequence[tuple[Style, float]], *, strength: float | None = None
    ) -> None:
        """Change the style, from the next frame on.

        Args:
            style: The path of a picture or of a `.style` file, a shipped style's name, a picture
                `(H, W, 3) uint8 BGR`, a code, or several of these with weights, to blend.
            strength: In [0, 1]; None keeps it.

        Raises:
            SourceError: The picture cannot be read.
            OptionError: The name, a weight or the strength is none.
            FrameError: The array is no picture.
        """
        checked = None if strength is None else checked_share(strength, "strength")
        code = self.encode_style(style)
        with self._changing:
            kept = self._setting.strength if checked is None else checked
            self._setting = _Setting(code=code, strength=kept)

    def encode_style(self, style: Style | Sequence[tuple[Style, float]]) -> StyleCode:
        """The code of a style, from the cache on disk if it is known. Raises as ``set_style``."""
        if isinstance(style, StyleCode):
            return self._own(style)
        if isinstance(style, np.ndarray):
            picture = checked_picture(style, "style")
            return self._encode(picture, picture.tobytes() + repr(picture.shape).encode(), "array")
        if isinstance(style, (str, os.PathLike)):
            return self._encode_file(style_path(os.fspath(style)))
        try:
            pairs = [(one, weight) for one, weight in style]
        except (TypeError, ValueError) as error:
            raise OptionError(
                "style: expected a picture's path, a shipped style's name, a picture, a style code "
                f"or (style, weight) pairs, found {type(style).__name__}"
            ) from error
        return blend([(self.encode_style(one), weight) for one, weight in pairs])

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
            OptionError: The weight lies outside [0, 1].
            FrameError, EngineError: As in ``__call__``; also for statistics of another network.
        """
        engine = self._opened()
        frame = checked_frame(frame, self.manifest.frame, any_size=self._any_size)
        out = np.empty_like(frame) if out is None else checked_buffer(out, frame)
        size = self.manifest.statistics_size
        weight = checked_share(statistics_weight, "statistics_weight")
        if statistics is None:
            fed, weight = np.zeros(size, np.float32), 0.0
        else:
            fed = checked_statistics(statistics, size)
        code, setting = self._styled()
        used = engine.stylize(
            frame[np.newaxis],
            code.values[np.newaxis],
            fed[np.newaxis],
            np.full((1, 1), weight, np.float32),
            np.full((1, 1), setting.strength, np.float32),
            out[np.newaxis],
        )
        return Stylised(image=out, statistics=used[0], style=code, strength=setting.strength)

    def self_test(self) -> None:
        """Stylise the bundle's golden frame and compare.

        Raises:
            QualityError: The result is not the one the bundle was exported with.
        """
        self_test(self._bundle, self.manifest.golden, self._opened())

    def drift_reference(self) -> DriftReference | None:
        """What the running graph was calibrated on; None where on nothing, as at FP32.

        Raises:
            BundleError: The record of it is damaged.
        """
        return drift_reference_of(self._bundle)

    def close(self) -> None:
        """Give the engine back."""
        if self._engine is not None:
            self._engine_name = self._engine.name
            self._engine.close()
            self._engine = None

    def _opened(self) -> Engine:
        if self._engine is None:
            raise EngineError("this stylizer is closed: load the bundle again")
        return self._engine

    def _styled(self) -> tuple[StyleCode, _Setting]:
        """The setting of the next frame, with the default style if none was set until now."""
        setting = self._setting
        if setting.code is None:
            default = self.encode_style(DEFAULT_STYLE)
            with self._changing:
                if self._setting.code is None:  # another thread may have set one meanwhile
                    self._setting = replace(self._setting, code=default)
                setting = self._setting
        assert setting.code is not None
        return setting.code, setting

    def _own(self, code: StyleCode) -> StyleCode:
        size = self.manifest.style_code_size
        if code.encoder != self._encoder or code.values.size != size:
            raise OptionError(
                f"style code {code.name} was made by another network's style encoder: encode the "
                "picture again with this bundle"
            )
        return code

    def _encode_file(self, path: Path) -> StyleCode:
        if path.suffix == STYLE_SUFFIX:
            return self._own(load_style(path))
        try:
            data = path.read_bytes()
        except OSError as error:
            raise SourceError(
                f"style {path}: cannot be read: {error.strerror}: give a picture"
            ) from error
        return self._encode(path, data, path.stem)

    def _encode(self, source: Path | Image, data: bytes, name: str) -> StyleCode:
        size = self.manifest.style_code_size
        values = self._cache.get(self._encoder, data, size)
        if values is None:
            picture = style_from_bytes(data, source) if isinstance(source, Path) else source
            sized = sized_style(picture, self.manifest.style_short_side)
            values = self._opened().encode_style(sized[np.newaxis])[0]
            self._cache.put(self._encoder, data, values)
        return StyleCode(values=values, encoder=self._encoder, name=name)
