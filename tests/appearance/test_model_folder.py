"""Models from disk, good and bad."""

import json
import shutil
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
from diffusers import UNet2DConditionModel
from safetensors.torch import load_file, save_file

from hsi.appearance import DiffusionModel, PixelCodec, VaeCodec, load_model, save_model
from hsi.runtime.appearance import NoiseSchedule, TransferOptions, make_bank, transfer
from hsi.runtime.errors import OptionError, SourceError


@pytest.fixture
def copied(folder: Path, tmp_path: Path) -> Path:
    """A copy of the folder, to break."""
    return Path(shutil.copytree(folder, tmp_path / "model"))


@pytest.fixture
def pictures() -> npt.NDArray[np.uint8]:
    """Two pictures, 32x32."""
    return np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3)).astype(np.uint8)


def test_a_whole_pipeline_transfers_pictures(
    loaded: DiffusionModel, pictures: npt.NDArray[np.uint8]
) -> None:
    options = TransferOptions(steps=5, skip=2)
    latents = loaded.encode(pictures)

    bank = make_bank(loaded, latents[1:], options)
    found = transfer(loaded, bank, latents[:1], options)

    assert latents.shape == (2, 4, 16, 16)
    made = loaded.decode(found.latents)
    assert made.shape == (1, 32, 32, 3)
    assert made.std() > 1
    assert loaded.stride == 4


def test_the_noun_is_found_in_the_prompt_whatever_it_is_split_into(
    loaded: DiffusionModel, folder: Path
) -> None:
    longer = load_model(folder, noun="cat cat")

    assert len(longer.noun_tokens) == 2 * len(loaded.noun_tokens)
    assert longer.noun_tokens[0] == loaded.noun_tokens[0]
    assert loaded.context.shape == (1, 32, 16)
    assert abs(loaded.context - loaded.empty_context).max() > 0.01


def test_a_model_of_pixels_comes_back_as_it_was_saved(
    stock: UNet2DConditionModel, tmp_path: Path
) -> None:
    latents = np.ones((1, 12, 16, 16), np.float32)
    torch.manual_seed(0)
    unet = UNet2DConditionModel.from_config(stock.config, in_channels=12, out_channels=12)
    schedule = NoiseSchedule(prediction="v_prediction")
    model = DiffusionModel(unet=unet, schedule=schedule, codec=PixelCodec(2))

    save_model(model, tmp_path / "whole")
    save_model(model, tmp_path / "half", half=True)

    whole, half = (load_model(tmp_path / name) for name in ("whole", "half"))
    wanted = model.predict(latents, np.array([501])).output
    assert whole.schedule == schedule
    assert whole.codec.stride == 2
    assert whole.fingerprint() == model.fingerprint()
    assert abs(whole.predict(latents, np.array([501])).output - wanted).max() < 1e-6
    assert 0 < abs(half.predict(latents, np.array([501])).output - wanted).max() < 0.02


def test_a_vae_is_scaled_as_its_config_says(loaded: DiffusionModel) -> None:
    assert isinstance(loaded.codec, VaeCodec)
    planes = torch.zeros(1, 3, 32, 32)
    with torch.inference_mode():
        mode = loaded.codec.vae.encode(planes).latent_dist.mode()

        assert torch.allclose(loaded.codec.encode(planes), 0.18215 * mode)


@pytest.mark.parametrize(
    ("name", "match"),
    [
        ("model_index.json", "expected a model in diffusers layout, found no model_index.json"),
        ("unet/config.json", "found no unet/config.json"),
        ("scheduler/scheduler_config.json", "found no scheduler/scheduler_config.json"),
        ("unet/diffusion_pytorch_model.safetensors", "expected weights as safetensors"),
        ("tokenizer/vocab.json", "tokenizer: expected"),
    ],
)
def test_a_folder_that_lacks_something_is_refused(copied: Path, name: str, match: str) -> None:
    (copied / name).unlink()

    with pytest.raises(SourceError, match=match):
        load_model(copied)


def test_no_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="a folder with a diffusion model, found none"):
        load_model(tmp_path / "nothing")
    with pytest.raises(SourceError, match=r"found no model_index\.json"):
        load_model(tmp_path)


def test_pickled_weights_are_not_touched(copied: Path) -> None:
    weights = copied / "unet" / "diffusion_pytorch_model.safetensors"
    torch.save(load_file(weights), weights.with_suffix(".bin"))
    weights.unlink()

    with pytest.raises(SourceError, match="expected weights as safetensors"):
        load_model(copied)


def test_weights_that_are_no_numbers_are_refused(copied: Path) -> None:
    path = copied / "vae" / "diffusion_pytorch_model.safetensors"
    state = load_file(path)
    state["decoder.conv_out.bias"][0] = torch.nan
    save_file(state, path)

    with pytest.raises(SourceError, match=r"found NaN or infinity in decoder\.conv_out\.bias"):
        load_model(copied)


def test_a_damaged_config_is_refused(copied: Path) -> None:
    (copied / "scheduler" / "scheduler_config.json").write_text("{")

    with pytest.raises(SourceError, match=r"scheduler_config\.json: expected JSON, found damage"):
        load_model(copied)


def test_latents_that_are_no_pixels_need_a_vae(copied: Path) -> None:
    shutil.rmtree(copied / "vae")

    with pytest.raises(SourceError, match="found 4 channels and no vae/"):
        load_model(copied)


def test_a_foreign_schedule_is_refused(copied: Path) -> None:
    path = copied / "scheduler" / "scheduler_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "prediction_type": "flow"}))

    with pytest.raises(OptionError, match="expected prediction to be one of"):
        load_model(copied)


def test_an_empty_noun_is_refused(folder: Path) -> None:
    with pytest.raises(OptionError, match="noun must be a word"):
        load_model(folder, noun=" ")


def test_a_model_with_words_is_not_saved_without_them(
    loaded: DiffusionModel, tmp_path: Path
) -> None:
    with pytest.raises(OptionError, match="expected a model without text"):
        save_model(loaded, tmp_path / "model")
    assert not list(tmp_path.iterdir())
