"""Pictures of hsi-vgg that are encoded again and mended."""

from dataclasses import replace

import torch

from hsi.export.contract import statistics_fields
from hsi.export.graph import StylizerGraph
from hsi.model import PRESETS, VggNetwork, build_network
from hsi.model.refiner import RefiningDecoder


def refining(count: int) -> VggNetwork:
    made = build_network(replace(PRESETS["hsi-vgg"], refinements=count)).eval()
    assert isinstance(made, VggNetwork)
    return made.requires_grad_(False)


def test_features_that_are_as_wanted_change_nothing() -> None:
    seen = torch.rand(1, 128, 8, 8)

    assert not RefiningDecoder()(seen, seen).any()


def test_a_code_ends_with_the_painting_s_fine_moments_once_for_each_refinement() -> None:
    network, style = refining(2), torch.rand(1, 3, 64, 64)

    code = network.encode_style(style)

    relu2_1 = network.encoder(style, 2)[1]
    assert code.shape == (1, build_network(PRESETS["hsi-vgg"]).code_size + 2 * 256)
    torch.testing.assert_close(code[:, -256:-128], relu2_1.mean((2, 3)))
    torch.testing.assert_close(code[:, -512:-256], code[:, -256:])


def test_statistics_are_named_and_can_be_fed() -> None:
    network, frame = refining(1), torch.rand(1, 3, 64, 64)
    names = [(field.name, field.size) for field in statistics_fields(network)]
    code, one = network.encode_style(torch.rand(1, 3, 64, 64)), torch.ones(1, 1)
    fed = torch.rand(1, network.statistics_size)

    _, used = network(frame, code, fed, one)

    assert names[-2:] == [("3.mean", 128), ("3.variance", 128)]
    torch.testing.assert_close(used, fed)


def test_refinements_are_added_to_a_network_that_has_none() -> None:
    network = refining(0)
    network.add_refinements(2)

    assert network.options.refinements == 2
    other = refining(2)
    other.load_state_dict(network.state_dict())


def test_the_picture_of_an_odd_size_is_mended_in_an_export_as_in_the_network() -> None:
    network = refining(1)
    frames = torch.randint(0, 256, (1, 67, 75, 3), dtype=torch.uint8)
    planes = frames.permute(0, 3, 1, 2) / 255
    code = network.encode_style(planes[:, :, :64, :64])
    rest = torch.zeros(1, network.statistics_size), torch.zeros(1, 1), torch.full((1, 1), 0.7)

    made, used = StylizerGraph(network)(frames, code, *rest)

    wanted, used_by_network = network(planes, code, *rest)
    pixels = (255 * wanted.permute(0, 2, 3, 1)).round().clamp(0, 255)
    assert (made - pixels).abs().max() <= 1
    torch.testing.assert_close(used, used_by_network)


def test_relu2_1_alone_is_computed_where_it_is_all_that_is_wanted() -> None:
    network, picture = refining(0), torch.rand(1, 3, 32, 32)

    first = network.encoder(picture, 2)

    assert [level.shape[1] for level in first] == [64, 128]
    for level, same in zip(first, network.encoder(picture), strict=False):
        assert torch.equal(level, same)
