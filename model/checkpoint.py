"""Checkpoints that say what they are, in torch's format or safetensors; none can run code."""

import json
import os
import pickle
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from hsi.model.network import StyleNetwork, build_network
from hsi.model.options import NetworkOptions
from hsi.runtime.errors import OptionError, SourceError

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
        half: Store float16, half the size; loading gives float32 again.
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
    beside = path.with_name(f".{path.name}.part")
    if path.suffix == ".safetensors":
        save_file(state, beside, metadata={"hsi": json.dumps(header)})
    else:
        torch.save({**header, "state": state}, beside)
    os.replace(beside, path)


def load_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint of either format.

    Raises:
        SourceError: It is missing, damaged, holds code, is another project's, comes from a newer
            version, or has weights that are no numbers.
    """
    header, state = _read_safetensors(path) if path.suffix == ".safetensors" else _read_torch(path)
    if header.get("format") != FORMAT:
        raise SourceError(
            f"{path}: expected an {FORMAT}, found another project's: train one with hsi-train"
        )
    if header.get("version") != VERSION:
        raise SourceError(
            f"{path}: expected checkpoint version {VERSION}, found {header.get('version')!r}: "
            "update hsi-edge"
        )
    try:
        network = build_network(NetworkOptions.from_dict(header["options"]))
    except (OptionError, KeyError, TypeError, AttributeError) as error:
        raise SourceError(f"{path}: expected network options, found nonsense: {error}") from error
    _fill(path, network, state)
    return Checkpoint(network=network.eval(), provenance=dict(header.get("provenance") or {}))


def load_tensors(path: Path) -> dict[str, Tensor]:
    """Read a plain state dict, such as published VGG weights.

    Raises:
        SourceError: It is missing or not a state dict.
    """
    values = _torch_load(path)
    values = values.get("model", values) if isinstance(values, dict) else values
    if not isinstance(values, dict) or not all(isinstance(v, Tensor) for v in values.values()):
        raise SourceError(f"{path}: expected a state dict of tensors, found something else")
    return dict(values)


def _torch_load(path: Path) -> Any:
    if not path.is_file():
        raise SourceError(f"{path}: expected a checkpoint, found no such file")
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise SourceError(
            f"{path}: expected tensors alone, found objects that would run code when loaded, or "
            "damage: get the file from its author again as a state dict or safetensors"
        ) from error
    except (RuntimeError, EOFError, ValueError, KeyError, OSError) as error:
        raise SourceError(f"{path}: expected a checkpoint, found a damaged or foreign file") from error


def _read_torch(path: Path) -> tuple[dict[str, Any], Mapping[str, Tensor]]:
    values = _torch_load(path)
    if not isinstance(values, dict):
        return {}, {}
    state = values.get("state")
    return values, state if isinstance(state, dict) else {}


def _read_safetensors(path: Path) -> tuple[dict[str, Any], Mapping[str, Tensor]]:
    if not path.is_file():
        raise SourceError(f"{path}: expected a checkpoint, found no such file")
    try:
        with safe_open(path, framework="pt") as opened:
            header = json.loads((opened.metadata() or {}).get("hsi", "{}"))
            return header, {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
    except (SafetensorError, ValueError) as error:
        raise SourceError(f"{path}: expected safetensors, found a damaged file") from error


def _fill(path: Path, network: StyleNetwork, state: Mapping[str, Tensor]) -> None:
    expected = network.state_dict()
    wrong = sorted(set(expected) ^ set(state)) or sorted(
        k for k, v in state.items() if not isinstance(v, Tensor) or v.shape != expected[k].shape
    )
    if wrong:
        raise SourceError(
            f"{path}: expected the weights of {network.options.preset}, found {wrong[0]!r} missing, "
            "unknown or of another shape"
        )
    for name, tensor in state.items():
        if not torch.isfinite(tensor).all():
            raise SourceError(f"{path}: expected numbers, found NaN or infinity in {name!r}")
    network.load_state_dict({k: v.to(expected[k].dtype) for k, v in state.items()})
