import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from hsi.model.vgg import VggEncoder, small_encoder, vgg19_encoder
from hsi.runtime.errors import SourceError

LAYERS = (4, "M", 6)


def tiny() -> VggEncoder:
    return VggEncoder("a tiny VGG", LAYERS).requires_grad_(False)


def published(*extra: tuple[int, int, int]) -> dict[str, Tensor]:
    """A state as published: numbered layers, weights for RGB pictures."""
    sizes = [(3, 3, 1), (4, 3, 3), (6, 4, 3), *extra]
    state = {}
    for number, (width_out, width_in, side) in enumerate(sizes):
        state[f"{number}.weight"] = torch.randn(width_out, width_in, side, side)
        state[f"{number}.bias"] = torch.randn(width_out)
    return state


def test_vgg19_gives_relu1_1_to_relu4_1_at_strides_1_to_8() -> None:
    levels = vgg19_encoder()(torch.rand(1, 3, 32, 48))

    shapes = [tuple(level.shape[1:]) for level in levels]
    assert shapes == [(64, 32, 48), (128, 16, 24), (256, 8, 12), (512, 4, 6)]


def test_the_compressed_vgg19_goes_to_relu5_1_in_128_channels() -> None:
    levels = small_encoder()(torch.rand(1, 3, 32, 48))

    shapes = [tuple(level.shape[1:]) for level in levels]
    assert shapes == [(16, 32, 48), (32, 16, 24), (64, 8, 12), (128, 4, 6), (128, 2, 3)]
    assert small_encoder().widths == (16, 32, 64, 128, 128)


def test_odd_sides_round_up_when_pooled() -> None:
    levels = tiny()(torch.rand(1, 3, 17, 21))

    assert levels[1].shape == (1, 6, 9, 11)


def test_padding_reflects_or_is_zero_and_the_middle_does_not_care() -> None:
    reflecting, zeroing = small_encoder(), small_encoder("zeros")
    zeroing.load_state_dict(reflecting.state_dict())
    # Brighter than black, so that a border of zeros shows.
    picture = torch.rand(1, 3, 32, 32) * 0.5 + 0.5

    reflected, zeroed = reflecting(picture)[0], zeroing(picture)[0]

    torch.testing.assert_close(reflected[..., 1:-1, 1:-1], zeroed[..., 1:-1, 1:-1])
    assert not torch.allclose(reflected, zeroed)


def test_published_weights_for_rgb_give_the_same_features_of_bgr_pictures() -> None:
    encoder, state = tiny(), published()
    encoder.load_convs(state, "vgg.pth")
    bgr = torch.rand(1, 3, 16, 16)

    normal = F.conv2d(bgr.flip(1), state["0.weight"], state["0.bias"])
    padded = F.pad(normal, (1, 1, 1, 1), mode="reflect")
    expected = F.conv2d(padded, state["1.weight"], state["1.bias"]).relu()

    torch.testing.assert_close(encoder(bgr)[0], expected, rtol=1e-4, atol=1e-5)


def test_layers_after_the_last_and_auxiliary_ones_are_left_out() -> None:
    encoder, state = tiny(), published((8, 6, 3))
    auxiliary = {"1_aux.weight": torch.randn(64, 4, 1, 1), "1_aux.bias": torch.randn(64)}

    encoder.load_convs(auxiliary | state, "vgg.pth")

    assert torch.equal(encoder.convs[1].get_parameter("weight"), state["2.weight"])


def test_a_file_with_too_few_layers_is_named() -> None:
    state = published()
    del state["2.weight"]

    with pytest.raises(SourceError, match=r"^vgg.pth: expected a tiny VGG with 3 conv.*, found 2:"):
        tiny().load_convs(state, "vgg.pth")


def test_weights_without_biases_are_refused() -> None:
    state = {name: value for name, value in published().items() if name.endswith("weight")}

    with pytest.raises(SourceError, match="expected a tiny VGG with 3 convolutions, found 0"):
        tiny().load_convs(state, "vgg.pth")


def test_the_other_network_s_file_is_told_by_its_first_different_layer() -> None:
    state = published()
    state["1.weight"] = torch.randn(64, 3, 3, 3)

    with pytest.raises(SourceError, match="a convolution 4x3x3x3, found 64x3x3x3: give that"):
        tiny().load_convs(state, "vgg.pth")


def test_weights_that_are_no_numbers_are_refused() -> None:
    state = published()
    state["2.bias"][0] = float("nan")

    with pytest.raises(SourceError, match=r"vgg.pth: expected numbers, found NaN or infinity"):
        tiny().load_convs(state, "vgg.pth")
