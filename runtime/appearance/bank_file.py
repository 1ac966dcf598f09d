"""Banks on disk: a stored zip of plain arrays, each with its hash. Nothing in it can run."""

import hashlib
import io
import json
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, overload

import numpy as np
import numpy.typing as npt

from hsi.runtime.appearance.bank import Bank
from hsi.runtime.appearance.denoiser import Array, LayerFeatures, StepFeatures
from hsi.runtime.archive import DAMAGE
from hsi.runtime.bundle import written_beside
from hsi.runtime.errors import BundleError

FORMAT, VERSION = "hsi appearance bank", 1
HEADER = "bank.json"
MAX_COUNT = 1000  # of steps, and of layers
KINDS = ("key", "value")


def save_bank(bank: Bank, path: Path) -> None:
    """Write a bank beside `path`, then rename it into place. `numpy.load` reads its arrays too.

    The same bank gives the same file, whenever it is written.

    Raises:
        OutputError: The file cannot be written; nothing is left behind.
    """
    hashes: dict[str, str] = {}
    with written_beside(path) as beside, zipfile.ZipFile(beside, "w") as archive:
        for name, array in _arrays(bank):
            data = io.BytesIO()
            np.lib.format.write_array(data, np.ascontiguousarray(array), allow_pickle=False)
            hashes[name] = hashlib.sha256(data.getbuffer()).hexdigest()
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), data.getbuffer())
        header = {
            "format": FORMAT,
            "version": VERSION,
            "model": bank.fingerprint,
            "timesteps": bank.timesteps,
            "layers": len(bank.features[0]),
            "sha256": hashes,
        }
        archive.writestr(zipfile.ZipInfo(HEADER), json.dumps(header))


def load_bank(path: Path) -> Bank:
    """Open a bank. Keys and values are read, and their hashes checked, at the step that needs them.

    Raises:
        BundleError: The file is missing, no bank, damaged or too new; later too, at a step.
    """
    arrays = _Arrays(path)
    header = arrays.header
    try:
        timesteps = [int(t) for t in header["timesteps"]]
        layers = int(header["layers"])
        if not 1 <= len(timesteps) <= MAX_COUNT or not 1 <= layers <= MAX_COUNT:
            raise _damaged(path)
        return Bank(
            fingerprint=str(header["model"]),
            timesteps=timesteps,
            latents=arrays.read("latents"),
            masks=arrays.read("masks"),
            features=_StoredFeatures(arrays, len(timesteps), layers),
            kept=[
                (step, number)
                for step in range(len(timesteps))
                for number in range(layers)
                if all(arrays.has(_name(step, number, kind)) for kind in KINDS)
            ],
        )
    except (KeyError, TypeError, ValueError) as error:
        if isinstance(error, BundleError):
            raise
        raise _damaged(path) from error


def _arrays(bank: Bank) -> Iterator[tuple[str, npt.NDArray[Any]]]:
    yield "latents", bank.latents
    yield "masks", bank.masks
    for step, layers in enumerate(bank.features):
        for number, layer in enumerate(layers):
            for kind in KINDS:
                array = getattr(layer, kind)
                if array is not None:
                    yield _name(step, number, kind), array


def _name(step: int, layer: int, kind: str) -> str:
    return f"step-{step:03d}/layer-{layer}/{kind}"


class _Arrays:
    """Arrays of an opened bank by name."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.header = self._header()
        hashes = self.header.get("sha256")
        if not isinstance(hashes, dict):
            raise _damaged(path)
        self._hashes: dict[str, Any] = hashes

    def has(self, name: str) -> bool:
        """Whether the bank lists it."""
        return name in self._hashes

    def read(self, name: str) -> Array:
        """An array, checked against its hash."""
        data = self._bytes(f"{name}.npy")
        if hashlib.sha256(data).hexdigest() != self._hashes[name]:
            raise _damaged(self._path)
        try:
            array = np.lib.format.read_array(io.BytesIO(data), allow_pickle=False)
        except (ValueError, EOFError, MemoryError, OverflowError) as error:
            raise _damaged(self._path) from error
        if array.dtype != np.float32:
            raise _damaged(self._path)
        return np.asarray(array, np.float32)

    def _bytes(self, name: str) -> bytes:
        try:
            with zipfile.ZipFile(self._path) as archive:
                # Only stored members are taken, so that a small file cannot unpack to a large one.
                if archive.getinfo(name).compress_type != zipfile.ZIP_STORED:
                    raise _damaged(self._path)
                return archive.read(name)
        except FileNotFoundError as error:
            raise BundleError(f"{self._path}: expected a bank, found no such file") from error
        except (KeyError, *DAMAGE) as error:
            raise _damaged(self._path) from error

    def _header(self) -> dict[str, Any]:
        text = self._bytes(HEADER)
        try:
            header = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise _damaged(self._path) from error
        if not isinstance(header, dict) or header.get("format") != FORMAT:
            raise _damaged(self._path)
        if header.get("version") != VERSION:
            raise BundleError(
                f"{self._path}: expected bank version {VERSION}, found {header.get('version')!r}: "
                "encode the appearance again"
            )
        return header


class _StoredFeatures(Sequence[StepFeatures]):
    def __init__(self, arrays: _Arrays, steps: int, layers: int) -> None:
        self._arrays, self._steps, self._layers = arrays, steps, layers

    def __len__(self) -> int:
        return self._steps

    @overload
    def __getitem__(self, step: int) -> StepFeatures: ...
    @overload
    def __getitem__(self, step: slice) -> Sequence[StepFeatures]: ...
    def __getitem__(self, step: int | slice) -> StepFeatures | Sequence[StepFeatures]:
        if isinstance(step, slice):
            return [self[i] for i in range(*step.indices(self._steps))]
        place = range(self._steps)[step]  # an IndexError past the end, which ends an iteration
        return tuple(self._layer(place, number) for number in range(self._layers))

    def _layer(self, step: int, number: int) -> LayerFeatures:
        names = {kind: _name(step, number, kind) for kind in KINDS}
        return LayerFeatures(
            **{k: self._arrays.read(name) for k, name in names.items() if self._arrays.has(name)}
        )


def _damaged(path: Path) -> BundleError:
    return BundleError(
        f"{path}: expected an appearance bank as it was written, found another file or damage: "
        "encode the appearance again"
    )
