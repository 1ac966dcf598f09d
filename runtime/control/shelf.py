"""The styles that the page offers: those of the package, those in use, those uploaded."""

from __future__ import annotations

import hashlib
import logging
import os
import re
import threading
from dataclasses import dataclass
from pathlib import Path

import cv2

from hsi.runtime.control.refusal import NotNow, NotThere
from hsi.runtime.control.upload import picture_from_upload
from hsi.runtime.errors import HsiError, OptionError, SourceError
from hsi.runtime.frame import Image
from hsi.runtime.style_code import cache_home
from hsi.runtime.style_picture import style_from_bytes
from hsi.runtime.styles import shipped_styles, style_path

logger = logging.getLogger(__name__)

MAX_UPLOADS = 48
_THUMBNAIL_SIDE = 176  # pixels of a square
_NAME_LENGTH = 50  # letters of up to four bytes; a file name has 255


@dataclass(frozen=True, kw_only=True)
class ShelfStyle:
    """A style on offer."""

    key: str  # in addresses: small letters, digits and dashes
    title: str  # for people
    word: str  # what `LiveRun.set_style` takes: a shipped style's name, or a path
    uploaded: bool
    thumbnail: bytes  # JPEG, square


class StyleShelf:
    """Styles by key, for any thread.

    Args:
        folder: Where uploads are kept from run to run; None for the user's cache.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or cache_home() / "hsi-edge" / "uploads"
        self._styles: dict[str, ShelfStyle] = {}
        self._elsewhere: dict[str, str] = {}  # keys of styles in use that were not on the shelf
        self._changing = threading.Lock()
        for name, path in shipped_styles().items():
            self._add_file(name, path, word=name)
        for path in sorted(self._uploads(), key=lambda path: path.stat().st_mtime):
            self._add_upload(path)

    @property
    def styles(self) -> tuple[ShelfStyle, ...]:
        """In the order in which they came."""
        with self._changing:
            return tuple(self._styles.values())

    def find(self, key: str) -> ShelfStyle:
        """Return a style.

        Raises:
            NotThere: There is none of this key.
        """
        with self._changing:
            found = self._styles.get(key)
        if found is None:
            raise NotThere(f"style {key!r}: expected one of /api/v1/styles, found none")
        return found

    def key_of(self, word: str) -> str:
        """Return the key of a style in use; one that came from elsewhere is taken in."""
        with self._changing:
            for style in self._styles.values():
                if style.word == word:
                    return style.key
            if word in self._elsewhere:
                return self._elsewhere[word]
            key = _slug(Path(word).stem) or "style"
            if key in self._styles:  # two files of a name
                key = f"{key}-{hashlib.sha256(os.fsencode(word)).hexdigest()[:6]}"
            # Noted even where it cannot be read: it is not tried again at every look.
            self._elsewhere[word] = key
        self._add_file(key, Path(word), word=word)
        return key

    def add(self, data: bytes, title: str) -> ShelfStyle:
        """Take an uploaded picture.

        Args:
            data: The bytes of a picture file; kept as a fresh PNG, so nothing else of them stays.
            title: The name of the file; only shown.

        Raises:
            SourceError: It is no picture that can be taken.
            OptionError: There are too many already.
        """
        picture = picture_from_upload(data)
        if len(self._uploads()) >= MAX_UPLOADS:
            raise OptionError(
                f"uploaded picture: expected at most {MAX_UPLOADS} on the shelf, found as many: "
                "remove one first"
            )
        encoded = cv2.imencode(".png", picture)[1].tobytes()
        digest = hashlib.sha256(encoded).hexdigest()[:12]
        name = re.sub(r"[\W_]+", "-", Path(title).stem.lower()).strip("-")[:_NAME_LENGTH]
        path = self.folder / f"{name or 'picture'}.{digest}.png"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            part = path.with_suffix(f".{os.getpid()}.part")
            part.write_bytes(encoded)
            os.replace(part, path)
        except OSError as error:
            raise SourceError(
                f"uploaded picture: cannot be kept in {self.folder}: {error.strerror}"
            ) from error
        style = self._add_upload(path)
        assert style is not None
        return style

    def remove(self, key: str) -> None:
        """Forget an uploaded picture.

        Raises:
            NotThere: There is none of this key.
        NotNow: It was not uploaded.
        """
        style = self.find(key)
        if not style.uploaded:
            raise NotNow(f"style {key!r}: expected an uploaded one, found one that came along")
        with self._changing:
            self._styles.pop(key, None)
        Path(style.word).unlink(missing_ok=True)

    def _uploads(self) -> list[Path]:
        try:
            return [path for path in self.folder.glob("*.png") if path.is_file()]
        except OSError:
            return []

    def _add_upload(self, path: Path) -> ShelfStyle | None:
        title, _, digest = path.stem.rpartition(".")
        return self._add_file(f"upload-{digest}", path, word=str(path), title=title, uploaded=True)

    def _add_file(
        self, key: str, path: Path, *, word: str, title: str = "", uploaded: bool = False
    ) -> ShelfStyle | None:
        try:
            path = style_path(str(path))
            picture = style_from_bytes(path.read_bytes(), path)
        except (OSError, HsiError) as error:
            logger.info("style %s is not on the control page: %s", key, error)
            return None
        style = ShelfStyle(
            key=key,
            title=_title(title or key),
            word=word,
            uploaded=uploaded,
            thumbnail=_thumbnail(picture),
        )
        with self._changing:
            return self._styles.setdefault(key, style)


def _thumbnail(picture: Image) -> bytes:
    height, width = picture.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = picture[top : top + side, left : left + side]
    small = cv2.resize(square, (_THUMBNAIL_SIDE,) * 2, interpolation=cv2.INTER_AREA)
    return cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, 85])[1].tobytes()


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def _title(key: str) -> str:
    return key.replace("-", " ").capitalize()
