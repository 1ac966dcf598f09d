"""A Stable Diffusion of 0.3 million random weights, in memory and as a folder."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from hsi.appearance import DiffusionModel, PixelCodec, load_model
from hsi.export.cli import main as hsi_export
from hsi.runtime.appearance import NoiseSchedule, TransferOptions

Array = npt.NDArray[np.float32]
SIDE = 16  # of latents
TEXT_WIDTH = 16


def small_unet(channels: int = 4, seed: int = 0) -> UNet2DConditionModel:
    """Attention with 64 and 256 tokens in the decoder, as Stable Diffusion has 1024 and 4096."""
    torch.manual_seed(seed)
    return UNet2DConditionModel(
        sample_size=SIDE,
        in_channels=channels,
        out_channels=channels,
        block_out_channels=(16, 32, 32),
        down_block_types=("CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"),
        layers_per_block=1,
        norm_num_groups=4,
        cross_attention_dim=TEXT_WIDTH,
        attention_head_dim=4,
    ).eval()


@pytest.fixture(scope="session")
def make_unet() -> Callable[..., UNet2DConditionModel]:
    """Of the number of channels."""
    return small_unet


@pytest.fixture(scope="session")
def stock() -> UNet2DConditionModel:
    """The U-Net as diffusers has it."""
    return small_unet()


@pytest.fixture(scope="session")
def model() -> DiffusionModel:
    """The same U-Net opened, with a text of three tokens."""
    torch.manual_seed(1)
    return DiffusionModel(
        unet=small_unet(),
        schedule=NoiseSchedule(),
        codec=PixelCodec(2),
        context=torch.randn(1, 3, TEXT_WIDTH),
        noun_tokens=(2,),
    )


@pytest.fixture(scope="session")
def options() -> TransferOptions:
    """A loop of 8 steps in which everything happens."""
    return TransferOptions(
        steps=10,
        skip=2,
        fine_range=(0.25, 1.0),
        coarse_range=(0.125, 0.75),
        refresh_every=3,
        refresh_until=1.0,
        guidance=(3.0, 2.0),
        adain="global",
        adain_range=(0.5, 1.0),
    )


@pytest.fixture(scope="session")
def pictures() -> tuple[Array, Array]:
    """Latents of a structure and of an appearance, `(1, 4, 16, 16)` each."""
    generator = np.random.default_rng(3)
    made = generator.standard_normal((2, 1, 4, SIDE, SIDE), np.float32)
    return made[0], 0.5 * made[1] + 1


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole pipeline in diffusers layout: text, VAE of stride 2, U-Net, scheduler."""
    path = tmp_path_factory.mktemp("diffusers")
    torch.manual_seed(5)
    # Smaller still, since it is exported: attention in the decoder alone.
    UNet2DConditionModel(
        sample_size=SIDE,
        block_out_channels=(16, 32),
        down_block_types=("DownBlock2D",) * 2,
        mid_block_type=None,
        up_block_types=("CrossAttnUpBlock2D",) * 2,
        layers_per_block=1,
        norm_num_groups=4,
        cross_attention_dim=TEXT_WIDTH,
        attention_head_dim=4,
    ).save_pretrained(path / "unet")
    torch.manual_seed(2)
    AutoencoderKL(
        block_out_channels=(8, 8),
        down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2,
        latent_channels=4,
        norm_num_groups=4,
        layers_per_block=1,
        sample_size=32,
    ).save_pretrained(path / "vae")
    _save_text(path)
    (path / "scheduler").mkdir()
    config = {**NoiseSchedule().to_config(), "_class_name": "PNDMScheduler", "skip_prk_steps": True}
    (path / "scheduler" / "scheduler_config.json").write_text(json.dumps(config))
    (path / "model_index.json").write_text('{"_class_name": "StableDiffusionPipeline"}')
    return path


@pytest.fixture(scope="session")
def bundle(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder, exported by its command, which judges the result."""
    path = tmp_path_factory.mktemp("bundle") / "model.hsi"
    words = ["--family", "cross-image", folder, "-o", path, "--noun", "cat", "-q", "--json"]
    assert hsi_export([str(word) for word in words]) == 0
    return path


@pytest.fixture(scope="session")
def loaded(folder: Path) -> DiffusionModel:
    """The folder, opened."""
    return load_model(folder, noun="cat")


@pytest.fixture
def calls(model: DiffusionModel) -> Iterator[list[int]]:
    """Rows of each call of the U-Net, by a hook."""
    rows: list[int] = []
    hook = model.unet.register_forward_pre_hook(lambda _, args: rows.append(len(args[0])))
    yield rows
    hook.remove()


def _save_text(path: Path) -> None:
    words = ["a", "photo", "of", "cat", "ob", "ject", "r", "s", "n", "o", "b", "j", "e", "c", "t"]
    tokens = [*words, *(f"{word}</w>" for word in words), "<|startoftext|>", "<|endoftext|>"]
    vocabulary = {token: number for number, token in enumerate(tokens)}
    tokenizer = path / "tokenizer"
    tokenizer.mkdir()
    (tokenizer / "vocab.json").write_text(json.dumps(vocabulary))
    (tokenizer / "merges.txt").write_text("#version: 0.2\n")
    CLIPTokenizer(str(tokenizer / "vocab.json"), str(tokenizer / "merges.txt"), model_max_length=8)
    (tokenizer / "tokenizer_config.json").write_text(
        json.dumps({"tokenizer_class": "CLIPTokenizer", "model_max_length": 32})
    )
    torch.manual_seed(4)
    CLIPTextModel(
        CLIPTextConfig(
            vocab_size=len(vocabulary),
            hidden_size=TEXT_WIDTH,
            intermediate_size=16,
            num_hidden_layers=1,
            num_attention_heads=2,
            max_position_embeddings=32,
            bos_token_id=vocabulary["<|startoftext|>"],
            eos_token_id=vocabulary["<|endoftext|>"],
        )
    ).save_pretrained(path / "text_encoder")
