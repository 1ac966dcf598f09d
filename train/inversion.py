"""A decoder by least squares: in minutes, what steps of descent take hours to find."""

import logging
from collections.abc import Iterable, Iterator, Sequence
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hsi.model import VggNetwork
from hsi.model.refiner import RefiningDecoder

log = logging.getLogger(__name__)

RIDGE = 1e-3  # of the mean square of what a layer reads
RELU2_1 = 3  # its place among a picture and the encoder's activations
POSITIONS = 512  # of a picture that count, drawn at random: neighbours say much the same


@torch.no_grad()
def solve_decoder(network: VggNetwork, batches: Sequence[Tensor]) -> None:
    """Make each layer of the decoder the best linear inverse of the encoder's layer.

    From the deepest on, each layer is the ridge regression from what the layers before it, already
    solved, make of pictures, to what the encoder had there: relu4_1 to the pooled relu3_4, that to
    relu3_3, and so on to the pixels. What one layer gets wrong the next ones see, and mend.

    Args:
        network: Its encoder is filled; its decoder is written.
        batches: Pictures `(N, 3, H, W)` BGR in [0, 1] each, sides multiples of 8. The widest layer
            has 4,609 unknowns for each output: some 60,000 positions of relu4_1 are wanted.
    """
    steps = list(network.decoder.steps)
    layers = [step for step in steps if isinstance(step, nn.Conv2d)]
    for number, layer in enumerate(layers, 1):
        before = nn.Sequential(*steps[: steps.index(layer)])
        _solve(layer, _inverse_pairs(network, before, -1, -1 - number, batches))
        log.info("first weights: layer %d of %d of the decoder", number, len(layers))


@torch.no_grad()
def solve_refiners(network: VggNetwork, batches: Sequence[Tensor]) -> None:
    """Likewise the decoders of the refinements, from relu2_1: all of them the same.

    Args:
        network: With refinements; see :func:`solve_decoder`.
        batches: Likewise.
    """
    first, *others = cast("list[RefiningDecoder]", list(network.refiners))
    for layer, depth in zip(first.convolutions, (2, 1, 0), strict=True):
        before = first.steps[: list(first.steps).index(layer)]
        _solve(layer, _inverse_pairs(network, before, RELU2_1, depth, batches))
    for other in others:
        other.load_state_dict(first.state_dict())
    log.info("first weights: the decoders of %d refinements", 1 + len(others))


def _inverse_pairs(
    network: VggNetwork, before: nn.Module, source: int, depth: int, batches: Sequence[Tensor]
) -> Iterator[tuple[Tensor, Tensor]]:
    for pictures in batches:
        seen = [pictures, *network.encoder.activations(pictures)]
        yield before(seen[source]), seen[depth]


def _solve(layer: nn.Conv2d, pairs: Iterable[tuple[Tensor, Tensor]]) -> None:
    """Fill a convolution of stride 1 by ridge regression from inputs to outputs."""
    rim = layer.kernel_size[0] // 2
    unknowns = layer.weight[0].numel() + 1
    squares = layer.weight.new_zeros(unknowns, unknowns)
    products = layer.weight.new_zeros(unknowns, layer.out_channels)
    drawn = torch.Generator().manual_seed(0)
    for inputs, outputs in pairs:
        padded = F.pad(inputs.float(), (rim, rim, rim, rim), mode="reflect")
        for picture, wanted in zip(padded, outputs.float(), strict=True):
            chosen = torch.randperm(wanted[0].numel(), generator=drawn)[:POSITIONS]
            read = F.unfold(picture[None], layer.kernel_size)[0][:, chosen]
            read = torch.cat([read, read.new_ones(1, len(chosen))])
            squares.addmm_(read, read.T)
            products.addmm_(read, wanted.flatten(1)[:, chosen].T)
    ridge = RIDGE * squares.diagonal().mean()
    solved = torch.linalg.solve(squares + ridge * torch.eye(unknowns).to(squares), products)
    assert layer.bias is not None
    layer.weight.copy_(solved[:-1].T.reshape(layer.weight.shape))
    layer.bias.copy_(solved[-1])
