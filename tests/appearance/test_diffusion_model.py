"""The opened U-Net, against the stock one and against itself."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
import torch
from diffusers import UNet2DConditionModel

from hsi.appearance import DiffusionModel, PixelCodec
from hsi.runtime.appearance import Controls, LayerFeatures, NoiseSchedule
from hsi.runtime.appearance.denoiser import StepFeatures
from hsi.runtime.errors import SourceError

Array = npt.NDArray[np.float32]
SIDE = 16
TIMES = np.full(4, 501, np.int64)


@pytest.fixture(scope="module")
def rows() -> Array:
    """[out, plain out, style, structure]: the batch of the published code, its passes in one."""
    out, style, structure = np.random.default_rng(5).standard_normal((3, 4, SIDE, SIDE), np.float32)
    return np.stack([out, out, style, structure])


def swapped(
    index: list[int], *, contrast: float = 1.67, temperature: float = 1.0, clip: float = 1.0
) -> Controls:
    """Row 0 takes keys and values elsewhere."""
    first = np.zeros((2, len(index)), np.float32)
    first[:, 0] = 1
    return Controls(
        kv_index=np.tile(np.array(index, np.int64), (2, 1)),
        contrast=1 + (np.float32(contrast) - 1) * first,
        temperature=1 + (np.float32(temperature) - 1) * first,
        query_weight=0 * first,
        clip=bool(clip),
    )


def test_without_controls_it_is_the_stock_network(
    model: DiffusionModel, stock: UNet2DConditionModel, rows: Array
) -> None:
    with torch.inference_mode():
        wanted = stock(
            torch.from_numpy(rows),
            torch.from_numpy(TIMES),
            encoder_hidden_states=model.context.expand(4, -1, -1),
        ).sample.numpy()

    assert abs(model.predict(rows, TIMES).output - wanted).max() < 1e-5
    plain = model.predict(rows, TIMES, controls=Controls.plain(4))
    assert abs(plain.output - wanted).max() < 1e-5
    explicit = model.predict(rows, TIMES, controls=swapped([0, 1, 2, 3], contrast=1 + 1e-7))
    assert abs(explicit.output - wanted).max() < 1e-5


def test_a_swap_changes_its_row_alone(model: DiffusionModel, rows: Array) -> None:
    plain = model.predict(rows, TIMES).output

    found = model.predict(rows, TIMES, controls=swapped([2, 1, 2, 3])).output

    assert abs(found - plain)[1:].max() < 1e-5
    assert abs(found - plain)[0].max() > 1e-3


def test_a_bank_row_is_as_good_as_a_row_of_the_batch(model: DiffusionModel, rows: Array) -> None:
    joint = model.predict(rows, TIMES, controls=swapped([2, 1, 2, 3])).output
    style = model.predict(rows[2:3], TIMES[:1], record=True).features

    banked = model.predict(rows[:2], TIMES[:2], controls=swapped([2, 1]), bank=style).output

    assert abs(banked - joint[:2]).max() < 1e-5


def test_the_order_of_tokens_matters_only_between_keys_and_values(
    model: DiffusionModel, rows: Array
) -> None:
    style = model.predict(rows[2:3], TIMES[:1], record=True).features
    order = {tokens: np.random.default_rng(1).permutation(tokens) for tokens in (64, 256)}

    def permuted(kinds: str) -> StepFeatures:
        def moved(x: LayerFeatures, kind: str) -> Array:
            array = getattr(x, kind)
            return np.asarray(array[:, order[array.shape[1]]] if kind in kinds else array)

        return [LayerFeatures(key=moved(x, "key"), value=moved(x, "value")) for x in style]

    outputs = {
        kinds: model.predict(
            rows[:1], TIMES[:1], controls=swapped([1]), bank=permuted(kinds)
        ).output
        for kinds in ("", "key value", "value")
    }

    assert abs(outputs["key value"] - outputs[""]).max() < 1e-5
    assert abs(outputs["value"] - outputs[""]).max() > 1e-3


def test_a_style_that_is_the_structure_changes_nothing(model: DiffusionModel, rows: Array) -> None:
    same = np.stack([rows[0]] * 4)
    plain = model.predict(same, TIMES).output

    found = model.predict(same, TIMES, controls=swapped([2, 1, 2, 3], contrast=1)).output

    assert abs(found - plain).max() < 1e-5


@pytest.mark.parametrize("change", [{"temperature": 1.5}, {"clip": 0.0}, {"contrast": 1.0}])
def test_every_control_of_attention_does_something(
    model: DiffusionModel, rows: Array, change: dict[str, float]
) -> None:
    published = model.predict(rows, TIMES, controls=swapped([2, 1, 2, 3])).output

    found = model.predict(rows, TIMES, controls=swapped([2, 1, 2, 3], **change)).output

    assert abs(found - published)[0].max() > 1e-5


def test_queries_are_blended_by_weight(model: DiffusionModel, rows: Array) -> None:
    recorded = model.predict(rows[3:], TIMES[:1], record=True).features
    queries = [LayerFeatures(query=x.query) for x in recorded]
    index = np.zeros((2, 1), np.int64)
    ones = np.ones((2, 1), np.float32)

    def output(weight: float) -> Array:
        controls = Controls(
            kv_index=index, contrast=ones, temperature=ones, query_weight=weight * ones
        )
        return model.predict(rows[:1], TIMES[:1], controls=controls, bank=queries).output

    plain = model.predict(rows[:1], TIMES[:1]).output
    assert abs(output(0.0) - plain).max() < 1e-5
    assert abs(output(0.75) - plain).max() > 1e-5


def test_layers_are_those_of_the_last_two_blocks(model: DiffusionModel) -> None:
    # The last two of three blocks, two layers each: 8x8 tokens, then 16x16.
    assert [layer.group for layer in model.layers] == [1, 1, 0, 0]
    assert model.layers[0].name == "up_blocks.1.attentions.0.transformer_blocks.0.attn1"


def test_features_are_recorded_for_every_layer(model: DiffusionModel, rows: Array) -> None:
    found = model.predict(rows, TIMES, record=True)

    shapes = [layer.key.shape for layer in found.features if layer.key is not None]
    assert shapes == [(4, 64, 32)] * 2 + [(4, 256, 16)] * 2
    assert found.noun_map is not None
    assert found.noun_map.shape == (4, 8, 8)
    assert 0 < found.noun_map.mean() < 1
    assert not model.predict(rows, TIMES).features


def test_published_free_u_changes_the_network(
    make_unet: Callable[..., UNet2DConditionModel],
) -> None:
    made = [
        DiffusionModel(
            unet=make_unet(), schedule=NoiseSchedule(), codec=PixelCodec(), free_u=free_u
        )
        for free_u in (False, True)
    ]
    latents = np.ones((1, 4, SIDE, SIDE), np.float32)

    plain, changed = (one.predict(latents, TIMES[:1]).output for one in made)

    assert abs(changed - plain).max() > 1e-3
    assert made[0].fingerprint() != made[1].fingerprint()


def test_a_decoder_without_attention_is_refused() -> None:
    unet = UNet2DConditionModel(
        block_out_channels=(8, 8),
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "UpBlock2D"),
        layers_per_block=1,
        norm_num_groups=4,
        cross_attention_dim=8,
        attention_head_dim=2,
    )

    with pytest.raises(SourceError, match="expected self-attention in the last two blocks"):
        DiffusionModel(unet=unet, schedule=NoiseSchedule(), codec=PixelCodec())


def test_pixels_are_folded_exactly(make_unet: Callable[..., UNet2DConditionModel]) -> None:
    model = DiffusionModel(unet=make_unet(12), schedule=NoiseSchedule(), codec=PixelCodec(2))
    pictures = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3)).astype(np.uint8)

    assert (model.decode(model.encode(pictures)) == pictures).all()
