"""Style codes as files of their own: `NAME.style`, a few kilobytes of JSON."""

import hashlib
import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hsi.runtime.errors import BundleError, OutputError, SourceError
from hsi.runtime.json_record import record_from_json
from hsi.runtime.style_code import StyleCode

STYLE_SUFFIX = ".style"
FORMAT = "hsi-edge style"
VERSION = 1
MAX_BYTES = 4_000_000  # far more than any code takes: nobody's film is read to its end


@dataclass(frozen=True, kw_only=True)
class _Record:
    format: str
    version: int
    name: str
    encoder: str
    sha256: str  # of the values as little-endian float32
    values: tuple[float, ...]


def save_style(path: Path, code: StyleCode) -> None:
    """Write a code, beside and then renamed.

    Raises:
        OutputError: It cannot be written.
    """
    record = {
        "format": FORMAT,
        "version": VERSION,
        "name": code.name,
        "encoder": code.encoder,
        "sha256": _digest(code),
        "values": [float(value) for value in code.values],
    }
    try:
        with tempfile.TemporaryDirectory(dir=path.parent) as beside:
            fresh = Path(beside) / path.name
            fresh.write_text(json.dumps(record) + "\n", encoding="utf-8")
            os.replace(fresh, path)
    except OSError as error:
        raise OutputError(
            f"{path}: expected to write a style, could not: {error.strerror or error}: "
            "check the folder, its permissions and the space left"
        ) from error


def load_style(path: Path) -> StyleCode:
    """Read a code.

    Raises:
        SourceError: The file is missing, no style, damaged, or of a newer version.
    """
    try:
        with path.open("rb") as file:
            text = file.read(MAX_BYTES).decode("utf-8")
        values = json.loads(text)
    except OSError as error:
        raise SourceError(
            f"style {path}: cannot be read: {error.strerror}: give a file of hsi-tune"
        ) from error
    except (ValueError, RecursionError) as error:
        raise SourceError(
            f"style {path}: expected an {FORMAT} (JSON), found another file: make one with hsi-tune"
        ) from error
    version = values.get("version") if isinstance(values, dict) else None
    if version != VERSION and isinstance(version, int):
        raise SourceError(
            f"style {path}: expected version {VERSION}, found {version}: update hsi-edge"
        )
    try:
        record = record_from_json(_Record, values, f"style {path}")
    except BundleError as error:
        raise SourceError(str(error)) from error
    numbers = np.array(record.values, np.float64).clip(-1e30, 1e30).astype(np.float32)
    code = StyleCode(values=numbers, encoder=record.encoder, name=record.name)
    if record.format != FORMAT or _digest(code) != record.sha256:
        raise SourceError(
            f"style {path}: expected values as their SHA-256 says, found others: get the file again"
        )
    return code


def _digest(code: StyleCode) -> str:
    return hashlib.sha256(code.values.astype("<f4").tobytes()).hexdigest()
