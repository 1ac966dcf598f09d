"""The exported graphs in ONNX Runtime: what the design promises of them."""

from __future__ import annotations

import copy
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
import torch

from hsi.export.graph import StyleEncoderGraph, StylizerGraph, prepared_network
from hsi.export.parity import torch_stylise
from hsi.model import StyleNetwork
from hsi.model.options import Palette
from hsi.runtime.bundle import Bundle
from hsi.runtime.frame import Image

Vectors = npt.NDArray[np.float32]
Run = Callable[..., tuple[Image, Vectors]]


def _worst(a: Image, b: Image) -> int:
    return int(np.abs(a.astype(int) - b).max())


def _by_torch(network: StyleNetwork, frames: Image, codes: Vectors) -> Image:
    inputs = (
        torch.from_numpy(frames),
        torch.from_numpy(codes),
        torch.zeros(len(frames), network.statistics_size),
        torch.zeros(len(frames), 1),
        torch.ones(len(frames), 1),
    )
    with torch.no_grad():
        made, _ = StylizerGraph(network)(*inputs)
    return np.asarray(made.numpy())


@pytest.mark.parametrize("size", [(64, 64), (65, 64), (64, 71), (129, 97), (200, 300), (72, 511)])
def test_frames_of_any_size_from_64_equal_torch(
    network: StyleNetwork, run: Run, codes: Vectors, photo: Image, size: tuple[int, int]
) -> None:
    frames = photo[np.newaxis, : size[0], : size[1]].copy()
    made, _ = run(frames)
    assert made.shape == frames.shape
    assert made.dtype == np.uint8
    assert _worst(made, _by_torch(network, frames, codes[:1])) <= 1


@torch.no_grad()
@pytest.mark.parametrize("with_frame", [False, True])
@pytest.mark.parametrize(
    ("kind", "mix"), [("none", 0.7), ("channels", 0.5), ("channels", 0), ("covariance", 1.0)]
)
def test_the_frame_is_added_and_the_palette_matched_as_the_network_does(
    network: StyleNetwork, photo: Image, kind: Palette, mix: float, with_frame: bool
) -> None:
    network = copy.deepcopy(network)
    network.set_palette(kind)
    if with_frame:
        network.add_frame()
        network.frame_share = torch.nn.Parameter(torch.tensor([0.1, 0.2, 0.4]))
    frames = np.stack([photo[:77, :91], photo[300:377, 400:491]])
    planes = torch.from_numpy(frames).permute(0, 3, 1, 2) / 255
    codes = network.encode_style(planes[[1, 0], :, :64, :64])
    nothing, strength = torch.zeros(2, network.statistics_size), torch.full((2, 1), mix)

    made, used = StylizerGraph(network)(
        torch.from_numpy(frames), codes, nothing, torch.zeros(2, 1), strength
    )

    wanted, used_by_network = network(planes, codes, strength=strength)
    own = network.injectors()[-1].statistics_size  # those of the palette, if there is one
    torch.testing.assert_close(used[:, -own:], used_by_network[:, -own:], rtol=1e-4, atol=1e-5)
    pixels = (255 * wanted.permute(0, 2, 3, 1)).round().clamp(0, 255)
    assert (made - pixels).abs().max() <= 1


def test_a_batch_has_a_code_per_frame(
    network: StyleNetwork, run: Run, codes: Vectors, photo: Image
) -> None:
    frames = np.stack([photo[:77, :91], photo[300:377, 400:491]])
    made, used = run(frames, styles=codes)
    assert used.shape[0] == 2
    assert _worst(made, _by_torch(network, frames, codes)) <= 1
    for number in range(2):
        alone, _ = run(frames[number : number + 1], styles=codes[number : number + 1])
        assert _worst(made[number], alone[0]) <= 1
    exchanged, _ = run(frames, styles=codes[::-1].copy())
    assert _worst(made, exchanged) > 2


def test_the_graph_is_the_network_it_was_made_of(
    network: StyleNetwork, run: Run, bundle: Bundle, photo: Image
) -> None:
    # parity compares with the network itself, in [0, 1] and with its up-sampling not folded
    frame, style = photo[:130, :170].copy(), photo[200:300, 300:400].copy()
    planes = torch.from_numpy(style).permute(2, 0, 1).unsqueeze(0).float() / 255
    with torch.no_grad():
        code = network.encode_style(planes).numpy()
    made, _ = run(frame[np.newaxis], styles=code)
    assert _worst(made[0], torch_stylise(network, frame, style)) <= 1


def test_strength_0_is_the_frame_to_the_bit(run: Run, photo: Image) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (1, 99, 101, 3)).astype(np.uint8)
    for frames in (photo[np.newaxis], noise):
        made, _ = run(frames, strength=0.0)
        assert np.array_equal(made, frames)


def test_strength_mixes_the_frame_and_the_style(run: Run, photo: Image) -> None:
    frames = photo[np.newaxis, :128, :128].copy()
    whole, _ = run(frames)
    assert _worst(whole, frames) > 20
    half, _ = run(frames, strength=0.5)
    # the whole style is clamped to [0, 255] by itself, a mix only after mixing
    inside = (whole > 0) & (whole < 255)
    assert np.abs(half - (frames.astype(float) + whole) / 2)[inside].max() <= 1


def test_statistics_fed_back_give_the_same_picture(run: Run, photo: Image) -> None:
    frames = photo[np.newaxis, :200, :200].copy()
    made, own = run(frames)
    again, used = run(frames, fed=own)
    assert _worst(made, again) <= 1
    np.testing.assert_allclose(used, own, rtol=1e-5, atol=1e-6)


def test_statistics_at_a_weight_are_an_exponential_mean(run: Run, photo: Image) -> None:
    frames = photo[np.newaxis, :200, :200].copy()
    _, own = run(frames)
    _, other = run(photo[np.newaxis, 300:, 500:].copy())
    used = {weight: run(frames, fed=other, weight=weight)[1] for weight in (0.0, 0.25, 1.0)}
    assert np.array_equal(used[0.0], own)
    np.testing.assert_allclose(used[1.0], other, rtol=1e-5, atol=1e-6)
    first = slice(0, 25)  # of the first module, whose features no style has touched yet
    expected = 0.75 * own[:, first] + 0.25 * other[:, first]
    np.testing.assert_allclose(used[0.25][:, first], expected, rtol=1e-4, atol=1e-5)
    pictures = {w: run(frames, fed=other, weight=w)[0].astype(int) for w in (0.0, 0.25, 1.0)}
    near, far = (np.abs(pictures[w] - pictures[0.0]).mean() for w in (0.25, 1.0))
    assert 0 < near < far


@pytest.mark.parametrize(("top", "left"), [(0, 0), (0, 256), (136, 200), (288, 544)])
def test_a_tile_with_the_frames_statistics_is_a_cut_of_the_whole(
    run: Run, bundle: Bundle, photo: Image, top: int, left: int
) -> None:
    frames = photo[np.newaxis]
    height, width = frames.shape[1:3]
    whole, statistics = run(frames)
    contract = bundle.manifest.frame
    half = contract.receptive_field // 2
    margin = -(-half // contract.stride) * contract.stride
    tile = np.s_[:, top : top + 224, left : left + 224]
    # a side of the frame itself needs no margin: the tile sees there what the frame sees
    inside = np.s_[
        :,
        margin if top else 0 : 224 - margin if top + 224 < height else 224,
        margin if left else 0 : 224 - margin if left + 224 < width else 224,
    ]
    made, used = run(frames[tile].copy(), fed=statistics)
    assert _worst(made[inside], whole[tile][inside]) <= 1
    np.testing.assert_allclose(used, statistics, rtol=1e-5, atol=1e-6)
    alone, _ = run(frames[tile].copy())
    off = [
        np.abs(made_[inside].astype(int) - whole[tile][inside]).mean() for made_ in (made, alone)
    ]
    assert off[1] > 10 * off[0]
    assert off[1] > 0.05


def test_the_style_encoder_takes_any_size_and_batch(
    network: StyleNetwork, codes: Vectors, bundle: Bundle, photo: Image
) -> None:
    styles = np.stack([photo[:96, :128], photo[200:296, 500:628]])
    with torch.no_grad():
        wanted = StyleEncoderGraph(network)(torch.from_numpy(styles)).numpy()
    assert codes.shape == (2, bundle.manifest.style_code_size)
    np.testing.assert_allclose(codes, wanted, rtol=1e-3, atol=1e-3)
    assert np.abs(codes[0] - codes[1]).max() > 0.1


def test_preparing_a_network_leaves_it_as_it_was(network: StyleNetwork) -> None:
    before = {name: value.clone() for name, value in network.state_dict().items()}
    prepared = prepared_network(network)
    assert prepared is not network
    after = network.state_dict()
    assert list(before) == list(after)
    assert all(torch.equal(before[name], after[name]) for name in before)
