"""Checkpoints that say what they are, in torch's format or safetensors; none can run code."""

import contextlib
import json
import os
import pickle
import warnings
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from hsi.model.network import StyleNetwork
from hsi.model.options import NetworkOptions
from hsi.model.presets import build_network
from hsi.runtime.errors import OutputError, SourceError

FORMAT = "hsi-edge checkpoint"
VERSION = 1


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """A network and where it came from."""

    network: StyleNetwork
    provenance: dict[str, Any] = field(default_factory=dict)


def save_checkpoint(path: Path, checkpoint: Checkpoint, *, half: bool = False) -> None:
    """Write a checkpoint, beside and then renamed; ``.safetensors`` by suffix, else torch's format.

    Args:
        path: Where to.
        checkpoint: What.
        half: Store float16, half the size, and in torch's format deflated, a sixth less again;
            loading gives float32.

    Raises:
        OutputError: It cannot be written.
    """
    network = checkpoint.network
    header = {
        "format": FORMAT,
        "version": VERSION,
        "options": network.options.to_dict(),
        "provenance": checkpoint.provenance,
    }
    dtype = torch.float16 if half else torch.float32
    state = {k: v.detach().cpu().to(dtype).contiguous() for k, v in network.state_dict().items()}
    with written_beside(path) as beside:
        if path.suffix == ".safetensors":
            save_file(state, beside, metadata={"hsi": json.dumps(header)})
        else:
            torch.save({**header, "state": state}, beside)
            if half:
                _deflate(beside)


def _deflate(path: Path) -> None:
    """Compress what torch wrote, a zip file of plain entries; torch reads either."""
    with zipfile.ZipFile(path) as plain:
        entries = [(entry, plain.read(entry)) for entry in plain.infolist()]
    with zipfile.ZipFile(path, "w") as packed:
        for entry, data in entries:
            # Torch's own entry, with its date: the same weights are the same bytes.
            entry.extra = b""  # padding that aligns plain data
            packed.writestr(entry, data, zipfile.ZIP_DEFLATED, compresslevel=9)


@contextlib.contextmanager
def written_beside(path: Path) -> Iterator[Path]:
    """A path to write to, which takes the place of ``path`` when the block ends well.

    Raises:
        OutputError: Writing failed; what stood at ``path`` stands there still.
    """
    beside = path.with_name(f".{path.name}.part")
    try:
        yield beside
        os.replace(beside, path)
    # torch and safetensors raise their own errors when the disk is full or the folder is missing.
    except (OSError, RuntimeError, SafetensorError) as error:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)
        reason = str(error).splitlines()[0]
        raise OutputError(
            f"{path}: expected to write a file, could not: {reason}: "
            "check the folder, its permissions and the space left"
        ) from error


def load_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint of either format.

    Raises:
        SourceError: It is missing, damaged, holds code, is another project's, comes from a newer
            version, or has weights that are no numbers.
    """
    header, state = _read_safetensors(path) if path.suffix == ".safetensors" else _read_torch(path)
    if header.get("format") != FORMAT:
        raise SourceError(
            f"{path}: expected an {FORMAT}, found another project's file: make one with hsi-train"
        )
    if header.get("version") != VERSION:
        raise SourceError(
            f"{path}: expected checkpoint version {VERSION}, found {header.get('version')!r}: "
            "it was written by a newer hsi-edge, update yours"
        )
    try:
        options = NetworkOptions.from_dict(header["options"])
        provenance = dict(header.get("provenance") or {})
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise SourceError(f"{path}: expected network options, found nonsense: {error}") from error
    _check_state(path, options, state)
    network = build_network(options)
    network.load_state_dict(state)  # copies into float32, whatever the file holds
    return Checkpoint(network=network.eval(), provenance=provenance)


def load_tensors(path: Path) -> dict[str, Tensor]:
    """Read a plain state dict, such as published VGG weights.

    Raises:
        SourceError: It is missing or not a state dict.
    """
    values = load_values(path)
    values = values.get("model", values) if isinstance(values, dict) else values
    if not isinstance(values, dict) or not all(isinstance(v, Tensor) for v in values.values()):
        raise SourceError(
            f"{path}: expected a state dict of tensors, found something else: "
            "get the network's weights alone"
        )
    return dict(values)


def load_values(path: Path) -> Any:
    """Read tensors and plain values that torch saved; nothing in the file can run.

    Raises:
        SourceError: It is missing, damaged or holds anything else.
    """
    if not path.is_file():
        raise SourceError(f"{path}: expected a checkpoint, found no such file")
    try:
        with warnings.catch_warnings():
            # torch warns of a pickle before it refuses it; one message is enough.
            warnings.simplefilter("ignore")
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise SourceError(
            f"{path}: expected tensors alone, found objects that would run code when loaded, or "
            "damage: get the file from its author again as a state dict or safetensors"
        ) from error
    except (RuntimeError, EOFError, ValueError, KeyError, OSError) as error:
        raise SourceError(
            f"{path}: expected a checkpoint, found a damaged or foreign file"
        ) from error


def _read_torch(path: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    values = load_values(path)
    if not isinstance(values, dict):
        return {}, {}
    state = values.get("state")
    return values, state if isinstance(state, dict) else {}


def _read_safetensors(path: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    if not path.is_file():
        raise SourceError(f"{path}: expected a checkpoint, found no such file")
    try:
        with safe_open(path, framework="pt") as opened:
            header = json.loads((opened.metadata() or {}).get("hsi", "{}"))
            state = {name: opened.get_tensor(name) for name in opened.keys()}
    except (SafetensorError, ValueError, OSError) as error:
        raise SourceError(f"{path}: expected safetensors, found a damaged file") from error
    return header if isinstance(header, dict) else {}, state


def _check_state(path: Path, options: NetworkOptions, state: dict[str, Tensor]) -> None:
    # The options may claim any size. On the meta device a network takes no memory.
    with torch.device("meta"):
        expected = build_network(options).state_dict()
    wanted = f"{path}: expected the weights of {options.preset}"
    for name in sorted(set(expected) - set(state), key=str):
        raise SourceError(f"{wanted}, found none for {name!r}: get the whole file again")
    for name, tensor in state.items():
        if name not in expected:
            raise SourceError(f"{wanted}, found {name!r}, which it has not: update hsi-edge")
        if not isinstance(tensor, Tensor) or tensor.shape != expected[name].shape:
            raise SourceError(
                f"{wanted}, found {name!r} in another shape: get the file from its author again"
            )
        plain = tensor.layout == torch.strided and tensor.is_floating_point()
        if not plain or not torch.isfinite(tensor).all():
            raise SourceError(
                f"{path}: expected finite numbers, found others (NaN, infinity) in {name!r}: "
                "this network cannot be used, train it again"
            )
