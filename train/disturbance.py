"""What a frame meets on its way through a camera and an INT8 engine: noise, twice."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from hsi.model import StyleNetwork
from hsi.model.picture_head import PictureHead

SENSOR_NOISE = 6 / 255  # largest deviation; a grey level is 1 / 255
LEVELS = 127  # of INT8 on each side of 0


def disturbed(
    network: StyleNetwork, frames: Tensor, codes: Tensor, generator: torch.Generator
) -> Tensor:
    """What the network makes of noisy frames in INT8: it can learn to make the same of them.

    Args:
        network: Gradients go through the disturbance.
        frames: `(N, 3, H, W)` BGR in [0, 1]; each gets sensor noise of a deviation of its own.
        codes: `(N, code_size)`.
        generator: Of all noise, on the frames' device.

    Returns:
        `(N, 3, H, W)`, not clamped.
    """
    deviations = torch.rand(len(frames), 1, 1, 1, generator=generator, device=frames.device)
    sensor = torch.randn(frames.shape, generator=generator, device=frames.device)
    seen = (frames + sensor * deviations * SENSOR_NOISE).clamp(0, 1)
    with rounding_errors(network, generator):
        made: Tensor = network(seen, codes)[0]
    return made


@contextmanager
def rounding_errors(network: nn.Module, generator: torch.Generator) -> Iterator[None]:
    """Give the input of every convolution the errors that INT8 would.

    They are uniform, half a level to each side. A level is a 127th of the channel's largest value
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
