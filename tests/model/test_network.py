from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from hsi.model import (
    PRESETS,
    EdgeNetwork,
    NetworkOptions,
    StyleNetwork,
    VggNetwork,
    build_network,
)
from hsi.model.options import Transfer
from hsi.model.picture_head import PictureHead
from hsi.runtime.errors import OptionError


def frames(count: int = 1, height: int = 64, width: int = 96) -> Tensor:
    return torch.rand(count, 3, height, width)


def test_presets_build_what_they_name() -> None:
    assert isinstance(build_network(PRESETS["hsi-edge"]), EdgeNetwork)
    assert isinstance(build_network(PRESETS["hsi-vgg"]), VggNetwork)


def test_frames_keep_their_size_and_codes_and_statistics_have_theirs(network: StyleNetwork) -> None:
    code = network.encode_style(frames(2, 48, 40))

    output, used = network(frames(2), code)

    assert code.shape == (2, network.code_size)
    assert output.shape == (2, 3, 64, 96)
    assert used.shape == (2, network.statistics_size)
    assert torch.isfinite(output).all()


def test_a_style_code_takes_a_few_kilobytes(network: StyleNetwork) -> None:
    assert network.code_size * 4 < 20_000
    if isinstance(network, EdgeNetwork):
        assert network.code_size * 4 < 4_000


def test_the_code_does_not_grow_with_the_style_picture(tiny: StyleNetwork) -> None:
    assert tiny.encode_style(frames(1, 32, 32)).shape == tiny.encode_style(frames(1, 90, 71)).shape


def test_a_code_mixer_that_is_added_changes_nothing_until_it_is_trained(
    tiny: StyleNetwork,
) -> None:
    style = frames()
    before = tiny.encode_style(style)

    tiny.add_code_mixer(16)

    assert tiny.options.code_hidden == 16
    assert torch.equal(tiny.encode_style(style), before)
    assert tiny.code_mixer is not None
    tiny.code_mixer.out.bias.data.fill_(1.0)
    torch.testing.assert_close(tiny.encode_style(style), before + 1)


@pytest.fixture
def wide() -> VggNetwork:
    made = build_network(PRESETS["hsi-vgg"])
    assert isinstance(made, VggNetwork)
    return made.eval()


@torch.no_grad()
def test_a_skip_that_is_added_changes_nothing_until_it_is_trained(wide: VggNetwork) -> None:
    frame, style = frames(), frames()
    code = wide.encode_style(style)
    before, _ = wide(frame, code)

    wide.add_skip()

    longer = wide.encode_style(style)
    assert wide.options == replace(PRESETS["hsi-vgg"], skip=True)
    assert torch.equal(longer[:, : code.shape[1]], code)
    assert torch.equal(wide(frame, longer)[0], before)
    wide.fuse.weight.fill_(0.1)
    assert not torch.allclose(wide(frame, longer)[0], before, atol=1e-3)


@torch.no_grad()
@pytest.mark.parametrize("transfer", ["hsi", "moments"])
def test_a_skip_brings_the_style_by_its_own_part_of_the_code(transfer: Transfer) -> None:
    network = build_network(replace(PRESETS["hsi-vgg"], transfer=transfer, skip=True)).eval()
    assert isinstance(network, VggNetwork) and network.skip
    nn.init.dirac_(network.fuse.weight)
    frame, code = frames(), network.encode_style(frames())
    before, used = network(frame, code)

    code[:, -network.skip.code_size :] *= 2

    after, used_too = network(frame, code)
    assert not torch.allclose(after, before, atol=1e-3)
    assert torch.equal(used_too, used)


def test_a_skip_comes_before_what_corrects_codes(wide: VggNetwork) -> None:
    wide.add_code_mixer(8)

    with pytest.raises(OptionError, match="skip must come before code_hidden"):
        wide.add_skip()


def test_pictures_of_a_batch_do_not_meet(network: StyleNetwork) -> None:
    styles, contents = frames(2, 48, 48), frames(2)
    code = network.encode_style(styles)

    output, used = network(contents, code)

    for number in range(2):
        one = slice(number, number + 1)
        alone = network.encode_style(styles[one])
        torch.testing.assert_close(alone, code[one], rtol=1e-3, atol=1e-4)
        output_alone, used_alone = network(contents[one], code[one])
        torch.testing.assert_close(output_alone, output[one], rtol=1e-3, atol=1e-4)
        torch.testing.assert_close(used_alone, used[one], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("size", [(64, 64), (61, 83), (72, 100)])
def test_frames_of_any_size_keep_it(tiny: StyleNetwork, size: tuple[int, int]) -> None:
    output, _ = tiny(frames(1, *size), tiny.encode_style(frames()))

    assert output.shape == (1, 3, *size)


def test_the_style_shows_in_the_output(network: StyleNetwork) -> None:
    content = frames()
    codes = network.encode_style(torch.stack([torch.zeros(3, 48, 48), torch.rand(3, 48, 48)]))

    dark, _ = network(content, codes[:1])
    noisy, _ = network(content, codes[1:])

    assert (dark - noisy).abs().mean() > 1e-3


def test_strength_0_is_the_frame_exactly(tiny: StyleNetwork) -> None:
    content, code = frames(), tiny.encode_style(frames())

    output, _ = tiny(content, code, strength=torch.zeros(1, 1))

    assert torch.equal(output, content)


def test_strength_1_is_the_default_and_between_it_mixes_with_the_frame(tiny: StyleNetwork) -> None:
    content, code = frames(), tiny.encode_style(frames())
    whole, _ = tiny(content, code)

    same, _ = tiny(content, code, strength=torch.ones(1, 1))
    half, _ = tiny(content, code, strength=torch.full((1, 1), 0.5))

    assert torch.equal(same, whole)
    torch.testing.assert_close(half, (whole + content) / 2)


def test_every_frame_of_a_batch_has_a_strength_of_its_own(tiny: StyleNetwork) -> None:
    content = frames(2)
    code = tiny.encode_style(frames(2))

    output, _ = tiny(content, code, strength=torch.tensor([[0.0], [1.0]]))

    assert torch.equal(output[0], content[0])
    assert not torch.allclose(output[1], content[1])


def test_statistics_fed_back_give_the_same_frame(network: StyleNetwork) -> None:
    content, code = frames(), network.encode_style(frames(1, 48, 48))
    output, used = network(content, code)

    again, returned = network(content, code, used, torch.ones(1, 1))

    torch.testing.assert_close(again, output, rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(returned, used, rtol=1e-3, atol=1e-4)


def test_tiles_with_the_frame_s_statistics_agree_with_the_frame(tiny: StyleNetwork) -> None:
    # Away from the cut, by more than the receptive field: what seam-free tiles stand on.
    content, code = frames(1, 64, 512), tiny.encode_style(frames())
    whole, used = tiny(content, code)

    tile, _ = tiny(content[..., :384], code, used, torch.ones(1, 1))
    blind, _ = tiny(content[..., :384], code)

    torch.testing.assert_close(tile[..., :192], whole[..., :192], rtol=1e-3, atol=1e-4)
    assert (blind[..., :192] - whole[..., :192]).abs().max() > 1e-3


def test_the_rim_is_no_place_that_a_network_can_find() -> None:
    # Of a picture that goes on beyond its rim as it is there, all rows of blocks are made alike.
    network = build_network(PRESETS["hsi-edge"])
    columns = torch.rand(1, 3, 1, 96).expand(1, 3, 96, 96)

    output, _ = network(columns, network.encode_style(frames(1, 48, 48)))

    blocks = output.unflatten(2, (24, 4))
    torch.testing.assert_close(blocks, blocks[:, :, 12:13].expand_as(blocks), rtol=0, atol=1e-4)


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_flat_frames_give_numbers(tiny: StyleNetwork, value: float) -> None:
    flat = torch.full((1, 3, 64, 64), value)

    output, used = tiny(flat, tiny.encode_style(flat))

    assert torch.isfinite(output).all()
    assert torch.isfinite(used).all()


@pytest.mark.parametrize("transfer", ["hsi", "moments"])
def test_a_frozen_frame_path_leaves_what_codes_are_made_of(
    tiny_options: NetworkOptions, transfer: Transfer
) -> None:
    network = build_network(replace(tiny_options, transfer=transfer))

    network.freeze_frame_path()

    trained = {name for name, p in network.named_parameters() if p.requires_grad}
    network.encode_style(frames()).sum().backward()
    assert trained == {name for name, p in network.named_parameters() if p.grad is not None}
    assert trained


def test_frozen_encoders_do_not_train() -> None:
    for preset, name in (("hsi-edge", "style_encoder."), ("hsi-vgg", "encoder.")):
        parameters = dict(build_network(PRESETS[preset]).named_parameters())
        assert not any(p.requires_grad for k, p in parameters.items() if k.startswith(name))
        assert all(p.requires_grad for k, p in parameters.items() if not k.startswith(name))


class FramePath:
    """What the frame path of hsi-edge runs, counted by hooks on its layers."""

    def __init__(self, height: int = 720, width: int = 1280) -> None:
        self.multiplications = 0
        self.parameters = 0
        with torch.device("meta"):  # where shapes are computed and nothing else
            self.network = build_network(PRESETS["hsi-edge"])
            for layer in self.network.modules():
                if isinstance(layer, (nn.Conv2d, PictureHead)):
                    layer.register_forward_hook(self._count)
            self.network(torch.zeros(1, 3, height, width), torch.zeros(1, self.network.code_size))

    def _count(self, layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        self.parameters += sum(p.numel() for p in layer.parameters())
        if isinstance(layer, PictureHead):
            # As it runs: a 3x3 convolution that writes blocks of pixels.
            per_output = 9 * inputs[0].shape[1]
        else:
            assert isinstance(layer, nn.Conv2d)
            per_output = layer.weight[0].numel()
        self.multiplications += per_output * output.numel()


@pytest.mark.parametrize("size", [(512, 512), (720, 1280)])
def test_the_frame_path_of_hsi_edge_takes_at_most_8_kmac_a_pixel(size: tuple[int, int]) -> None:
    path = FramePath(*size)

    # Its margin counts: the smaller the frame, the more of the work lies outside it.
    assert 2_000 < path.multiplications / (size[0] * size[1]) <= 8_000


def test_the_frame_path_of_hsi_edge_has_under_1_million_parameters() -> None:
    path = FramePath()

    style_side = (
        "style_encoder.",
        ".keys.",
        ".values.",
        ".key_styles.",
        ".value_styles.",
        "code_mixer.",
    )
    expected = sum(
        parameter.numel()
        for name, parameter in path.network.named_parameters()
        if not any(part in name for part in style_side)
    )
    assert path.parameters == expected
    assert path.parameters < 1_000_000
