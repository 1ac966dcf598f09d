"""First weights: a fresh network, and an ``hsi-vgg`` that works before it is trained."""

import logging
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from hsi.model import EdgeNetwork, NetworkOptions, StyleNetwork, VggNetwork, build_network
from hsi.model.checkpoint import load_tensors
from hsi.model.injection import Injection, Injector, spread
from hsi.model.network import summed_code
from hsi.runtime.errors import OptionError
from hsi.train.inversion import solve_decoder, solve_refiners

log = logging.getLogger(__name__)

PAIRS = 8  # features of a photograph and of a painting in a step
SKIPPED = 0.3  # of what the decoder has at relu3_1 comes through a skip, to begin with
RATE = 5e-4  # Adam's, falling to nothing along half a cosine


def fresh_network(options: NetworkOptions, vgg: Path, seed: int) -> StyleNetwork:
    """A new network with its frozen VGG filled in.

    Args:
        options: Which.
        vgg: Path of the frozen encoder's weights: the miniature for hsi-edge, VGG-19 for hsi-vgg.
        seed: Of the other weights.

    Raises:
        SourceError: The file is missing or holds the other VGG.
    """
    torch.manual_seed(seed)
    network = build_network(options)
    assert isinstance(network, (EdgeNetwork, VggNetwork))
    encoder = network.style_encoder if isinstance(network, EdgeNetwork) else network.encoder
    encoder.load_convs(load_tensors(vgg), vgg.name)
    return network


def require_first_weights(options: NetworkOptions) -> None:
    """Say no to a network that cannot be given first weights.

    Raises:
        OptionError: It is not hsi-vgg, or has no HSI modules.
    """
    if options.preset != "hsi-vgg" or options.transfer != "hsi":
        raise OptionError(
            "first_weights must go with hsi-vgg and its HSI modules, got "
            f"{options.preset} with transfer {options.transfer!r}: "
            "choose --preset hsi-vgg"
        )


def make_first_weights(
    network: StyleNetwork, batches: Sequence[tuple[Tensor, Tensor]], *, steps: int = 600
) -> None:
    """Give a fresh network a decoder that inverts its encoder, and modules that act as AdaIN.

    Args:
        network: hsi-vgg, its encoder filled.
        batches: Photographs and paintings `(N, 3, H, W)` BGR in [0, 1] each, where the network is.
        steps: Of descent on the cascade, and on the skip's module.

    Raises:
        OptionError: See :func:`require_first_weights`.
    """
    require_first_weights(network.options)
    assert isinstance(network, VggNetwork)
    solve_decoder(network, [pictures for pair in batches for pictures in pair])
    fit_cascade(network, *_features(network, batches, -1), steps=steps)
    if network.skip:
        make_first_skip(network, batches, steps=steps)
    if network.refiners:
        make_first_refinements(network, batches)


def make_first_refinements(network: StyleNetwork, batches: Sequence[tuple[Tensor, Tensor]]) -> None:
    """Give fresh refinements decoders that invert the encoder; arguments as of the whole.

    Raises:
        OptionError: See :func:`require_first_weights`; or it has none.
    """
    require_first_weights(network.options)
    if not isinstance(network, VggNetwork) or not network.refiners:
        raise OptionError(
            "first weights of refinements must go with refinements, got a network without"
        )
    solve_refiners(network, [pictures for pair in batches for pictures in pair])


def make_first_skip(
    network: StyleNetwork, batches: Sequence[tuple[Tensor, Tensor]], *, steps: int = 600
) -> None:
    """Give a fresh skip a module that acts as AdaIN; the other arguments are those of the whole.

    Raises:
        OptionError: See :func:`require_first_weights`; or it has no skip.
    """
    require_first_weights(network.options)
    if not isinstance(network, VggNetwork) or not network.skip:
        raise OptionError("a skip's first weights must go with a skip, got a network without")
    fit_skip(network, *_features(network, batches, -2), steps=steps)


def fit_cascade(network: VggNetwork, contents: Tensor, styles: Tensor, *, steps: int) -> None:
    """Train the cascade alone, on features, to do what AdaIN does.

    Descent without encoder and decoder, in a space where every channel has mean 0 and deviation 1
    over all styles: the decoder's first layer takes over the rest.

    Args:
        network: With a decoder of encoder features, as :func:`solve_decoder` leaves it.
        contents: relu4_1 of photographs, `(N, 512, H, W)` float32.
        styles: relu4_1 of paintings, likewise.
        steps: How many.
    """
    mean, deviation = _usual(contents, styles)
    first = network.decoder.first
    assert first.bias is not None
    with torch.no_grad():
        first.bias.add_(first.weight.sum((2, 3)) @ mean)
        first.weight.mul_(deviation.view(1, -1, 1, 1))
    _fit(network.cascaded, contents, styles, mean, deviation, steps)


def fit_skip(network: VggNetwork, contents: Tensor, styles: Tensor, *, steps: int) -> None:
    """Train the skip's module likewise, and mix its features into the decoder's.

    Args:
        network: With a skip, and a decoder of encoder features.
        contents: relu3_1 of photographs, `(N, 256, H, W)` float32.
        styles: relu3_1 of paintings, likewise.
        steps: How many.
    """
    mean, deviation = _usual(contents, styles)
    meeting, fuse = network.decoder.meeting, network.fuse
    assert network.skip and meeting.bias is not None and fuse.bias is not None
    with torch.no_grad():
        meeting.weight.mul_(1 - SKIPPED)
        meeting.bias.mul_(1 - SKIPPED)
        fuse.weight.copy_(SKIPPED * spread(deviation.diag()))
        fuse.bias.copy_(SKIPPED * mean)
    _fit([network.skip], contents, styles, mean, deviation, steps)


def _fit(
    modules: Sequence[Injector],
    contents: Tensor,
    styles: Tensor,
    mean: Tensor,
    deviation: Tensor,
    steps: int,
) -> None:
    """Train modules to make AdaIN's features, less the mean and over the deviation `(C)`."""
    drawn = torch.Generator().manual_seed(0)
    weights = [weight for module in modules for weight in module.parameters()]
    optimizer = torch.optim.Adam(weights, lr=RATE, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=RATE, total_steps=steps, pct_start=0.1
    )
    for step in range(1, steps + 1):
        content, style = _draw(contents, styles, PAIRS, drawn)
        wanted = (matched(content, style) - spread(mean[None])) / spread(deviation[None])
        loss = F.smooth_l1_loss(transferred(modules, content, style).float(), wanted)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()
        torch.clear_autocast_cache()  # or the next step sees the weights of the first one
        schedule.step()
        if step % 100 == 0:
            distance = float(loss.detach())
            log.info("first weights: step %d of %d, %.3f from AdaIN", step, steps, distance)
    for weight in weights:
        weight.grad = None


def transferred(injectors: Sequence[Injector], features: Tensor, style: Tensor) -> Tensor:
    """Features `(N, C, H, W)` through modules in a row, by their own statistics and a style's."""
    fed = features.new_zeros(len(features), sum(i.statistics_size for i in injectors))
    code = summed_code(injectors, [style])
    inject = Injection(injectors, code, fed, features.new_zeros(len(features), 1))
    for _ in injectors:
        features = inject(features)
    return features


def matched(features: Tensor, style: Tensor) -> Tensor:
    """AdaIN (Huang and Belongie 2017, eq. 8) of `(N, C, H, W)` features and styles."""
    deviation, mean = torch.std_mean(features, (2, 3), keepdim=True)
    deviation_s, mean_s = torch.std_mean(style, (2, 3), keepdim=True)
    return (features - mean) / (deviation + 1e-5) * deviation_s + mean_s


@torch.no_grad()
def _features(
    network: VggNetwork, batches: Sequence[tuple[Tensor, Tensor]], level: int
) -> tuple[Tensor, Tensor]:
    """What the encoder has of photographs and of paintings at a level, float32."""
    seen = [[network.encoder(pictures)[level].float() for pictures in pair] for pair in batches]
    contents, styles = (torch.cat(features) for features in zip(*seen, strict=True))
    return contents, styles


@torch.no_grad()
def _usual(contents: Tensor, styles: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and deviation of AdaIN's channels `(C)` over pairs drawn at random."""
    drawn = torch.Generator().manual_seed(0)
    pairs = _draw(contents, styles, 32 * PAIRS, drawn)
    deviation, mean = torch.std_mean(matched(*pairs), (0, 2, 3))
    return mean, deviation.clamp_min(1e-2)  # of channels that these pictures leave dark


def _draw(
    contents: Tensor, styles: Tensor, count: int, drawn: torch.Generator
) -> tuple[Tensor, Tensor]:
    found = (v[torch.randint(len(v), (count,), generator=drawn)] for v in (contents, styles))
    content, style = found
    return content, style


# By what of a network they are for.
FIRST_WEIGHTS: dict[str, Callable[[StyleNetwork, Sequence[tuple[Tensor, Tensor]]], None]] = {
    "whole": make_first_weights,
    "skip": make_first_skip,
    "refinements": make_first_refinements,
}
