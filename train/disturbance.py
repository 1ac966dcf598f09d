"""What a frame meets on its way through a camera or an INT8 engine: noise."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from hsi.model import StyleNetwork
from hsi.model.picture_head import PictureHead

SENSOR_NOISE = 6 / 255  # largest deviation; a grey level is 1 / 255
LEVELS = 80  # on each side of 0; INT8 has 127, but a crop is not as lively as a scene
SENSOR_SHARE = 0.35  # of the batches; the others are rounded


def disturbed(
    network: StyleNetwork, frames: Tensor, codes: Tensor, generator: torch.Generator
) -> Tensor:
    """What the network makes of noisy frames, or in INT8: it can learn to make the same of them.

    One or the other: beside sensor noise, what rounding does is too little to be learnt from.

    Args:
        network: Gradients go through the disturbance.
        frames: `(N, 3, H, W)` BGR in [0, 1]; where there is sensor noise, each gets a deviation of
            its own.
        codes: `(N, code_size)`.
        generator: Of all noise, on the frames' device.

    Returns:
        `(N, 3, H, W)`, not clamped.
    """
    made: Tensor
    if torch.rand((), generator=generator, device=frames.device) < SENSOR_SHARE:
        made, _ = network(_noisy(frames, generator), codes)
    else:
        with rounding_errors(network, generator):
            made, _ = network(frames, codes)
    return made


def _noisy(frames: Tensor, generator: torch.Generator) -> Tensor:
    deviations = torch.rand(len(frames), 1, 1, 1, generator=generator, device=frames.device)
    sensor = torch.randn(frames.shape, generator=generator, device=frames.device)
    return (frames + sensor * deviations * SENSOR_NOISE).clamp(0, 1)


@contextmanager
def rounding_errors(network: nn.Module, generator: torch.Generator) -> Iterator[None]:
    """Give the input of every convolution the errors that INT8 would.

    They are uniform, half a level to each side. A level is an 80th of the channel's largest value
    over the batch: quantisation has one range for all scenes, so a flat one gets the errors of a
    lively one.
    """

    def rounded(_: nn.Module, inputs: tuple[Tensor, ...]) -> Tensor:
        features = inputs[0]
        peaks = features.detach().abs().amax((0, 2, 3), keepdim=True)
        errors = torch.rand(features.shape, generator=generator, device=features.device) - 0.5
        return features + errors * (peaks / LEVELS)

    layers = [m for m in network.modules() if isinstance(m, nn.Conv2d | PictureHead)]
    handles = [layer.register_forward_pre_hook(rounded) for layer in layers]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
