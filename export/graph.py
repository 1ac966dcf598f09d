"""The two graphs of a bundle as torch modules, with the picture work inside."""

import copy

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hsi.model import StyleNetwork
from hsi.model.channel_palette import ChannelMatcher
from hsi.model.injection import Injection
from hsi.model.palette import SAMPLED, PaletteMatcher
from hsi.model.picture_head import PictureHead


class StyleEncoderGraph(nn.Module):
    """``style_encoder.onnx``: `(N, H, W, 3) uint8 BGR` to `(N, code_size) float32`."""

    def __init__(self, network: StyleNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, style: Tensor) -> Tensor:
        """Encode style pictures of any size from 64 pixels."""
        # Cast before Transpose: TensorRT moves no uint8 about.
        planes = style.to(torch.float32).permute(0, 3, 1, 2)
        return self.network.encode_style(planes * (1 / 255))


class StylizerGraph(nn.Module):
    """``stylizer.onnx``: frames, a style code and statistics in, frames and statistics out.

    The scale of the pixels is folded into the first and the last convolution, so the network reads
    and writes 0 to 255 without a pass of its own. The mathematics is ``StyleNetwork.forward``; the
    order differs where it saves a pass over the picture.
    """

    def __init__(self, network: StyleNetwork) -> None:
        super().__init__()
        self.late = bool(network.late_injectors())
        self.network = copy.deepcopy(network).eval() if self.late else prepared_network(network)

    def forward(
        self,
        frame: Tensor,
        style_code: Tensor,
        statistics: Tensor,
        statistics_weight: Tensor,
        strength: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """Stylise frames of any size.

        Args:
            frame: `(N, H, W, 3) uint8 BGR`.
            style_code: `(N, code_size) float32`.
            statistics: `(N, statistics_size) float32`, read where the weight is above 0.
            statistics_weight: `(N, 1) float32` in [0, 1].
            strength: `(N, 1) float32` in [0, 1].

        Returns:
            `(N, H, W, 3) uint8 BGR` and the statistics used, `(N, statistics_size) float32`.
        """
        network = self.network
        pixels = frame.to(torch.float32)
        if self.late:  # the picture is needed as planes: two passes more, among thousands
            planes = pixels.permute(0, 3, 1, 2) * (1 / 255)
            made, used = network(planes, style_code, statistics, statistics_weight, strength)
            return (made * 255).round().clamp(0, 255).permute(0, 2, 3, 1).to(torch.uint8), used
        count, height, width = pixels.shape[:3]
        edges = network.padding(pixels.permute(0, 3, 1, 2))
        # As a volume of one plane the picture is padded as it lies, not moved to planes and back.
        # The plane goes in hsi.export.pad_pass.
        padded = F.pad(pixels.unsqueeze(1), [0, 0, *edges], mode="replicate").squeeze(1)
        inject = Injection(network.injectors(), style_code, statistics, statistics_weight)
        blocks = network.render(_blocks(padded, network.block), inject)
        drawn = _rows(blocks, network.made_block)[:, :height, : 3 * width]
        drawn = drawn.reshape(count, height, width, 3)
        if isinstance(network.palette, PaletteMatcher):
            mix = strength.reshape(-1, 1, 1, 1)
            whole = _recoloured(_whole(network, drawn, pixels), network.palette, inject)
            mixed = whole * mix + pixels * (1 - mix)
        else:
            mixed = _mixed(drawn, pixels, strength, network, inject)
        stylised = mixed.round().clamp(0, 255).reshape(count, height, width, 3)
        return stylised.to(torch.uint8), torch.cat(inject.used, 1)


def _whole(network: StyleNetwork, drawn: Tensor, pixels: Tensor) -> Tensor:
    """What the network draws `(N, H, W, 3)` and its share of the frame."""
    return drawn if network.frame_share is None else drawn + pixels * network.frame_share


def _mixed(
    drawn: Tensor, pixels: Tensor, strength: Tensor, network: StyleNetwork, inject: Injection
) -> Tensor:
    """Share of the frame, palette by channels and strength as one ``a drawn + b frame + c``.

    Returns:
        Rows `(N, H, 3 W)`, along which engines do in one go what concerns single values.
    """
    of_drawn = strength  # (N, 1), or with a palette (N, 3), as the others
    of_frame = 1 - strength
    offset: Tensor | None = None
    if isinstance(network.palette, ChannelMatcher):
        seen = _whole(network, *(v[:, ::SAMPLED, ::SAMPLED] for v in (drawn, pixels)))
        _, *parts = inject.coming()
        scale, offset, used = network.palette.levels(seen.permute(0, 3, 1, 2) * (1 / 255), *parts)
        inject.used.append(used)
        of_drawn, offset = strength * scale, 255 * strength * offset
    if network.frame_share is not None:
        of_frame = of_frame + of_drawn * network.frame_share
    mixed = _rowed(drawn) * _row(of_drawn, drawn) + _rowed(pixels) * _row(of_frame, drawn)
    return mixed if offset is None else mixed + _row(offset, drawn)


def _rowed(pixels: Tensor) -> Tensor:
    """`(N, H, W, 3)` as rows `(N, H, 3 W)`."""
    count, height, width, colours = pixels.shape
    return pixels.reshape(count, height, width * colours)


def _row(values: Tensor, pixels: Tensor) -> Tensor:
    """`(N, 1)`, or `(N, 3)` for the channels, as what a row is multiplied by."""
    values = values.unsqueeze(1)
    return values if values.shape[2] == 1 else values.repeat(1, 1, pixels.shape[2])


def _recoloured(pixels: Tensor, palette: PaletteMatcher, inject: Injection) -> Tensor:
    """Pixels `(N, H, W, 3)` from 0 to 255 with the mean and covariance of the painting's."""
    count, height, width, colours = pixels.shape
    seen = pixels[:, ::SAMPLED, ::SAMPLED].permute(0, 3, 1, 2) * (1 / 255)
    _, *parts = inject.coming()
    matrix, offset, used = palette.colour_map(seen, *parts)
    inject.used.append(used)
    made = pixels.reshape(count, height * width, colours) @ matrix.transpose(1, 2)
    return (made + 255 * offset.unsqueeze(1)).reshape(count, height, width, colours)


def _blocks(pixels: Tensor, side: int) -> Tensor:
    """`(N, H, W, 3)` to blocks `(N, 3 side^2, H / side, W / side)`, a block's row as one run."""
    count, height, width = pixels.shape[:3]
    rows, columns, run = height // side, width // side, 3 * side
    split = pixels.reshape(count, rows, side, columns, run).transpose(2, 3)
    return split.reshape(count, rows, columns, side * run).permute(0, 3, 1, 2)


def _rows(blocks: Tensor, side: int) -> Tensor:
    """Blocks to picture rows `(N, H, 3 W)`."""
    count, _, rows, columns = blocks.shape
    run = 3 * side
    split = blocks.permute(0, 2, 3, 1).reshape(count, rows, columns, side, run).transpose(2, 3)
    return split.reshape(count, rows * side, columns * run)


def prepared_network(network: StyleNetwork) -> StyleNetwork:
    """A copy for the exporter: pixels in [0, 255] at no cost, the head as a plain layer."""
    network = copy.deepcopy(network).eval()
    first, last, bias = network.picture_weights()
    with torch.no_grad():
        first.div_(255)
        last.mul_(255)
        if bias is not None:
            bias.mul_(255)
    for name, child in list(network.named_children()):
        if isinstance(child, PictureHead):
            setattr(network, name, child.as_convolution())
    return network
