"""Models in diffusers' folder layout, read from disk and never from a hub; nothing in them runs."""

import copy
import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import torch
from diffusers import AutoencoderKL, ModelMixin, UNet2DConditionModel
from torch import Tensor, nn

from hsi.appearance.codec import Codec, PixelCodec, VaeCodec
from hsi.appearance.diffusion_model import DiffusionModel
from hsi.runtime.appearance.schedule import NoiseSchedule
from hsi.runtime.bundle import written_beside
from hsi.runtime.errors import OptionError, OutputError, SourceError

DEFAULT_NOUN = "object"
INDEX = "model_index.json"
SCHEDULER = "scheduler/scheduler_config.json"

Loaded = TypeVar("Loaded")
Part = TypeVar("Part", bound=nn.Module)


@dataclass(frozen=True, kw_only=True)
class Prompt:
    """The embedded prompt of a model with text."""

    context: Tensor  # (1, L, D)
    empty_context: Tensor
    noun_tokens: tuple[int, ...]  # places of the noun


def load_model(
    folder: Path, *, noun: str = DEFAULT_NOUN, free_u: bool = False, device: str = "cpu"
) -> DiffusionModel:
    """Open a Stable Diffusion 1.x or 2.x, or any U-Net of its kind.

    Args:
        folder: With `model_index.json`, `unet/`, `scheduler/` and, where the model has them,
            `vae/`, `tokenizer/` and `text_encoder/`. Without a VAE, pixels are folded into the
            channels the U-Net takes; without text it is given one token of zeros.
        noun: What is transferred, for the prompt "A photo of a NOUN" and for masks. The published
            code takes one word; here it may be several.
        free_u: Add the published variant of FreeU.
        device: torch's name.

    Raises:
        SourceError: The folder holds no such model, pickles, or weights that are no numbers.
        OptionError: The noun is empty, or its schedule is of a kind not known here.
    """
    _check_layout(folder)
    schedule = NoiseSchedule.from_config(_json(folder / SCHEDULER))
    unet = _part(folder / "unet", UNet2DConditionModel).to(device)
    codec = _codec(folder, unet, device)
    for module in (unet, *codec.modules()):
        _check_finite(folder, module)
    prompt = _prompt(folder, noun) if (folder / "text_encoder").is_dir() else None
    return DiffusionModel(
        unet=unet,
        schedule=schedule,
        codec=codec,
        context=None if prompt is None else prompt.context,
        empty_context=None if prompt is None else prompt.empty_context,
        noun_tokens=() if prompt is None else prompt.noun_tokens,
        free_u=free_u,
    )


def size_of(model: DiffusionModel, given: tuple[int, int] | None) -> tuple[int, int]:
    """`(width, height)` in pixels of the pictures a model makes: those given, or its own.

    Raises:
        OptionError: They are no whole strides, or the model names none and none are given.
    """
    own = model.unet.config.sample_size
    if given is None and own is None:
        raise OptionError("the model names no size: pass --size WIDTHxHEIGHT")
    side = 0 if own is None else (own if isinstance(own, int) else max(own)) * model.codec.stride
    width, height = given or (side, side)
    if min(width, height) < 1 or width % model.stride or height % model.stride:
        raise OptionError(
            f"--size must be multiples of {model.stride} pixels for this model, got "
            f"{width}x{height}"
        )
    return width, height


def save_model(model: DiffusionModel, folder: Path, *, half: bool = False) -> None:
    """Write a model without text in the same layout, weights as safetensors.

    Args:
        model: What.
        folder: Made if it is not there.
        half: Store float16, half the size; loading gives float32 again.

    Raises:
        OutputError: It cannot be written.
        OptionError: The model has a text, whose encoder is not here to be written.
    """
    if model.noun_tokens:
        raise OptionError(f"{folder}: expected a model without text, found one with: copy its own")
    parts: dict[str, ModelMixin] = {"unet": model.unet}
    if isinstance(model.codec, VaeCodec):
        parts["vae"] = model.codec.vae
    index = {name: ["diffusers", type(part).__name__] for name, part in parts.items()}
    index["scheduler"] = ["diffusers", "DDIMScheduler"]
    try:
        (folder / "scheduler").mkdir(parents=True, exist_ok=True)
        for name, part in parts.items():
            stored = copy.deepcopy(part).half() if half else part
            stored.save_pretrained(folder / name, safe_serialization=True)
    except OSError as error:
        raise OutputError(f"{folder}: cannot be written: {error.strerror or error}") from error
    for name, values in ((SCHEDULER, model.schedule.to_config()), (INDEX, index)):
        with written_beside(folder / name) as beside:
            beside.write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")


def _check_layout(folder: Path) -> None:
    if not folder.is_dir():
        raise SourceError(f"{folder}: expected a folder with a diffusion model, found none")
    for name in (INDEX, SCHEDULER, "unet/config.json"):
        if not (folder / name).is_file():
            raise SourceError(
                f"{folder}: expected a model in diffusers layout, found no {name}: give the folder "
                "that holds model_index.json"
            )


def _json(path: Path) -> dict[str, Any]:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError, RecursionError) as error:
        raise SourceError(f"{path}: expected JSON, found damage: copy the model again") from error
    if not isinstance(values, dict):
        raise SourceError(f"{path}: expected an object, found something else")
    return values


def _part(folder: Path, kind: type[Part]) -> Part:
    """A part of the model, as float32 whatever its file holds."""
    loader: Callable[..., Part] = getattr(kind, "from_pretrained")  # noqa: B009
    settings: dict[str, bool] = {"local_files_only": True, "use_safetensors": True}
    if issubclass(kind, ModelMixin):
        settings["low_cpu_mem_usage"] = False  # else diffusers asks for another package
    return _read(folder, lambda: loader(folder, **settings)).float()


def _read(folder: Path, load: Callable[[], Loaded]) -> Loaded:
    try:
        return load()
    # diffusers, transformers, safetensors and torch each raise errors of their own here.
    except Exception as error:
        reason = " ".join(str(error).split())[:200]
        raise SourceError(
            f"{folder}: expected weights as safetensors that fit its config.json, found others: "
            f"{reason}: copy the model again, or convert it"
        ) from error


def _codec(folder: Path, unet: UNet2DConditionModel, device: str) -> Codec:
    if (folder / "vae").is_dir():
        return VaeCodec(_part(folder / "vae", AutoencoderKL).to(device))
    side = math.isqrt(unet.config.in_channels // 3)
    if unet.config.in_channels != 3 * side**2 or side < 1:
        raise SourceError(
            f"{folder}: expected a vae/, or a U-Net on 3, 12, 27 ... channels of pixels, found "
            f"{unet.config.in_channels} channels and no vae/"
        )
    return PixelCodec(side)


def _check_finite(folder: Path, module: nn.Module) -> None:
    for name, tensor in module.state_dict().items():
        if tensor.is_floating_point() and not torch.isfinite(tensor).all():
            raise SourceError(
                f"{folder}: expected finite weights, found NaN or infinity in {name}: this model "
                "cannot be used, copy it again"
            )


def _prompt(folder: Path, noun: str) -> Prompt:
    from transformers import CLIPTextModel, CLIPTokenizer
    from transformers.utils import logging

    logging.disable_progress_bar()  # of its own; loading a text encoder takes a second
    if not noun.strip():
        raise OptionError("noun must be a word for what is transferred, got none")
    tokenizer = _read(
        folder / "tokenizer",
        lambda: CLIPTokenizer.from_pretrained(folder / "tokenizer", local_files_only=True),
    )
    encoder = _part(folder / "text_encoder", CLIPTextModel).eval()
    length = min(tokenizer.model_max_length, encoder.config.max_position_embeddings)

    def ids(text: str) -> list[int]:
        found: list[int] = tokenizer(text, padding="max_length", max_length=length).input_ids
        if len(found) > length:
            raise OptionError(f"noun must fit {length} tokens, got {noun!r}")
        return found

    def embedded(text: str) -> Tensor:
        with torch.inference_mode():
            context: Tensor = encoder(torch.tensor([ids(text)])).last_hidden_state
        return context.clone()

    # Tokens of a prefix are a prefix of the tokens, so what is between is the noun's.
    prefix = len(tokenizer("A photo of a").input_ids) - 1
    whole = len(tokenizer(f"A photo of a {noun}").input_ids) - 1
    return Prompt(
        context=embedded(f"A photo of a {noun}"),
        empty_context=embedded(""),
        noun_tokens=tuple(range(prefix, whole)),
    )
