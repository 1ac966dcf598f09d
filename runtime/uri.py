"""Addresses of sources and outputs: their scheme, their options, and what of them may be shown."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import parse_qsl, unquote, urlsplit

from hsi.runtime.errors import OptionError

_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*)://", re.IGNORECASE)
# Greedy up to the last "@": a password may hold an unescaped "@" or "/". `test://640x480@30` is
# the one scheme of ours where "@" is no sign of a password.
_USER_INFO = re.compile(
    r"(?!(?:fault\+)?test:)\b([a-z][a-z0-9+.-]*)://.+@", re.IGNORECASE | re.DOTALL
)
# The same without a scheme, so that a mistyped address does not show its password either.
_BARE_USER_INFO = re.compile(r"(?<![^\s/'\"])[^\s/:@'\"]+:[^\s@]+@")
_SECRET = re.compile(
    r"([\w-]*(?:pass|pwd|token|secret|key|auth|sig)[\w-]*=)[^&\s]+?(?=[:,;]?(?:[&\s]|$))",
    re.IGNORECASE,
)


def redact(text: str) -> str:
    """Return an address without its credentials.

    Args:
        text: One address or path.

    Returns:
        The address with `user:password@` and the values of secret-looking query fields
        (`password=`, `token=`, …) replaced by `***`. It hides rather too much than too little.
    """
    if "://" in text:
        text = _USER_INFO.sub(r"\1://***@", text)
        return _SECRET.sub(r"\1***", text)
    return _BARE_USER_INFO.sub("***@", text)


def redact_words(message: str) -> str:
    """Return a message with every address in it redacted; done twice, it changes nothing more."""
    return re.sub(r"\S+", lambda word: redact(word[0]), message)


def scheme_of(uri: str) -> str:
    """Return the scheme in lower case (`rtsp` of `rtsp://host`), or an empty text for a path."""
    found = _SCHEME.match(uri)
    return found[1].lower() if found else ""


def local_path(uri: str) -> str:
    """Return the path that a plain path or a `file://` address names.

    Raises:
        OptionError: The `file://` address names another host.
    """
    if scheme_of(uri) != "file":
        return uri
    parts = urlsplit(uri)
    if parts.netloc not in ("", "localhost"):
        raise OptionError(
            f"{redact(uri)}: a file:// address names a file of this machine, found the host "
            f"{redact(parts.netloc)!r}: write file:///path/to/file"
        )
    return unquote(parts.path)


def query_of(uri: str, *, allowed: Mapping[str, str]) -> dict[str, str]:
    """Return the options after `?`.

    Args:
        uri: The address.
        allowed: Every option this address may have, with an example of its value.

    Raises:
        OptionError: An option is unknown or stands there twice.
    """
    found: dict[str, str] = {}
    for name, value in parse_qsl(urlsplit(uri).query, keep_blank_values=True):
        if name not in allowed:
            known = ", ".join(f"{key}={example}" for key, example in allowed.items())
            raise OptionError(f"{redact(uri)}: unknown option {name!r}, known are {known}")
        if name in found:
            raise OptionError(f"{redact(uri)}: the option {name!r} stands there twice")
        found[name] = value
    return found


def size_from_text(text: str, *, of: str) -> tuple[int, int]:
    """Return `(width, height)` in pixels from `1920x1080`.

    Args:
        text: The size as written.
        of: What has this size, for the message.

    Raises:
        OptionError: It is not two whole numbers from 1 to 16384.
    """
    found = re.fullmatch(r"(\d+)[xX](\d+)", text)
    if found is None:
        raise OptionError(f"{of} must be WIDTHxHEIGHT such as 1280x720, got {redact(text)!r}")
    width, height = int(found[1]), int(found[2])
    if not (1 <= width <= 16384 and 1 <= height <= 16384):
        raise OptionError(f"{of} must have sides from 1 to 16384 pixels, got {text}")
    return width, height
