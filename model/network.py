"""What every network is: a style side and a frame path that meet in a few kilobytes."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hsi.model.blocks import blocks_of, picture_of
from hsi.model.channel_palette import ChannelMatcher
from hsi.model.code_mixer import CodeMixer
from hsi.model.injection import Injection, Injector
from hsi.model.injector import StyleInjector, encode_styles
from hsi.model.moments import MomentMatcher
from hsi.model.options import NetworkOptions, Palette
from hsi.model.palette import PaletteMatcher

FRAME_SHARE = 0.2  # of the frame in a picture, to begin with


class StyleNetwork(nn.Module, ABC):
    """Arbitrary style transfer in two halves that meet in a few kilobytes.

    ``encode_style`` runs once per style picture; ``forward`` runs per frame and never sees the
    style picture. All pictures are BGR planes in [0, 1], as OpenCV delivers them.
    """

    stride = 8  # the frame path works on multiples of this
    block = 1  # pixels a side of what ``render`` reads as one position
    made_block = 1  # and of what it writes as one position
    margin = 0  # pixels of repeated rim around the frame that ``render`` reads

    def __init__(self, options: NetworkOptions) -> None:
        super().__init__()
        self.options = options
        self.code_mixer: CodeMixer | None = None
        self.palette = build_palette(options.match_palette)
        share = nn.Parameter(torch.full((3,), FRAME_SHARE)) if options.add_frame else None
        self.frame_share: nn.Parameter | None
        self.register_parameter("frame_share", share)  # of blue, green and red

    @abstractmethod
    def style_levels(self, style: Tensor) -> list[Tensor]:
        """Features of a style picture `(N, 3, H, W)`, one tensor per level."""

    @abstractmethod
    def feature_injectors(self) -> list[Injector]:
        """The modules through which the style enters features, in the order of the code."""

    @abstractmethod
    def render(self, frame: Tensor, inject: Injection) -> Tensor:
        """The frame path, not yet clamped.

        Args:
            frame: `(N, 3 block^2, h, w)`: blocks of the frame, padded to ``stride`` and ``margin``.
            inject: The modules through which the style enters.

        Returns:
            Blocks of the stylised frame, `(N, 3 made_block^2, ...)`, without the margin.
        """

    @abstractmethod
    def picture_weights(self) -> tuple[Tensor, Tensor, Tensor | None]:
        """Weight of the first layer, weight and bias of the last: an export scales pixels there."""

    def late_injectors(self) -> list[Injector]:
        """The modules through which the style enters what is seen in the finished picture."""
        return []

    def refined(self, picture: Tensor, inject: Injection) -> Tensor:
        """The finished picture `(N, 3, H, W)` near [0, 1], mended through the late modules."""
        return picture

    def injectors(self) -> list[Injector]:
        """The modules in the order in which codes and statistics are laid out."""
        palette = [] if self.palette is None else [self.palette]
        return [*self.feature_injectors(), *palette, *self.late_injectors()]

    @property
    def code_size(self) -> int:
        """Floats in a style code."""
        return sum(injector.code_size for injector in self.injectors())

    @property
    def statistics_size(self) -> int:
        """Floats in the statistics vector."""
        return sum(injector.statistics_size for injector in self.injectors())

    def add_code_mixer(self, hidden: int) -> None:
        """Let a :class:`CodeMixer` of this width correct the codes, by nothing at first."""
        size = sum(injector.code_size for injector in self.feature_injectors())
        self.code_mixer = CodeMixer(size, hidden)
        self.options = replace(self.options, code_hidden=hidden)

    def add_frame(self) -> None:
        """Add a share of the frame to pictures, and draw the others by as much less."""
        self.options = replace(self.options, add_frame=True)
        self.frame_share = nn.Parameter(torch.full((3,), FRAME_SHARE))
        _, last, bias = self.picture_weights()
        with torch.no_grad():
            for weight in (last, bias) if bias is not None else (last,):
                weight.mul_(1 - FRAME_SHARE)

    def set_palette(self, kind: Palette) -> None:
        """Let pictures take the painting's palette, or leave them: nothing of it is learned."""
        self.palette = build_palette(kind)
        self.options = replace(self.options, match_palette=kind)

    def freeze_frame_path(self) -> None:
        """Leave only what makes style codes to be trained; a frozen VGG stays frozen."""
        self.requires_grad_(False)
        halves = [half for injector in self.injectors() for half in injector.style_half()]
        for module in (*halves, self.code_mixer):
            if module is not None:
                module.requires_grad_(True)

    def encode_style(self, style: Tensor) -> Tensor:
        """Turn style pictures into style codes, which blend linearly.

        Args:
            style: `(N, 3, H, W)` BGR in [0, 1], sides at least 32.

        Returns:
            `(N, code_size)` float32.
        """
        code = self._summed_code(self.style_levels(style))
        if self.code_mixer is not None:
            code = self.code_mixer(code)
        palette = [] if self.palette is None else [self.palette.encode_style([style])]
        return torch.cat([code, *palette, *self._late_codes(style)], 1)

    def _late_codes(self, style: Tensor) -> list[Tensor]:
        return []

    def _summed_code(self, levels: list[Tensor]) -> Tensor:
        return summed_code(self.feature_injectors(), levels)

    def forward(
        self,
        frame: Tensor,
        code: Tensor,
        statistics: Tensor | None = None,
        statistics_weight: Tensor | None = None,
        strength: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Stylise frames.

        Args:
            frame: `(N, 3, H, W)` BGR in [0, 1]. The last row and column are repeated to the next
                multiple of ``stride``.
            code: `(N, code_size)`.
            statistics: `(N, statistics_size)` fed-in global statistics; None for the frame's own.
            statistics_weight: `(N, 1)` in [0, 1]: share of the fed-in statistics in those used.
                Feeding back what the last frame returned, at a weight w, is an exponential mean.
            strength: `(N, 1)` in [0, 1], 1 when None. The result is mixed with the frame, so 0 is
                the frame itself, exactly.

        Returns:
            `(N, 3, H, W)`, not clamped to [0, 1], and the statistics used `(N, statistics_size)`.
        """
        if statistics is None:
            statistics = frame.new_zeros(frame.shape[0], self.statistics_size)
        if statistics_weight is None:
            statistics_weight = frame.new_zeros(frame.shape[0], 1)
        inject = Injection(self.injectors(), code, statistics, statistics_weight)
        blocks = blocks_of(F.pad(frame, self.padding(frame), mode="replicate"), self.block)
        stylised = picture_of(self.render(blocks, inject), self.made_block)
        stylised = stylised[:, :, : frame.shape[2], : frame.shape[3]]
        if self.frame_share is not None:
            stylised = stylised + frame * self.frame_share.view(1, 3, 1, 1)
        if self.palette is not None:
            stylised = inject(stylised)
        stylised = self.refined(stylised, inject)
        if strength is not None:
            mix = strength.unsqueeze(-1).unsqueeze(-1)
            stylised = stylised * mix + frame * (1 - mix)
        return stylised, torch.cat(inject.used, 1)

    def padding(self, frame: Tensor) -> list[int]:
        """Left, right, top and bottom: rims to repeat around `(N, C, H, W)` for ``render``."""
        edges: list[int] = []
        for side in (frame.shape[3], frame.shape[2]):
            whole = (side + self.stride - 1) // self.stride * self.stride
            edges += [self.margin, whole - side + self.margin]
        return edges


def summed_code(injectors: Sequence[Injector], levels: list[Tensor]) -> Tensor:
    """What levels of a style say to modules that all read all of them, `(N, code sizes in all)`."""
    together = [i for i in injectors if isinstance(i, StyleInjector)]
    if len(together) == len(injectors):  # far fewer operations than one after another
        return encode_styles(together, levels)
    return torch.cat([i.encode_style(levels) for i in injectors], 1)


def build_palette(kind: Palette) -> ChannelMatcher | PaletteMatcher | None:
    """The module that the option names, for pictures."""
    if kind == "none":
        return None
    return ChannelMatcher() if kind == "channels" else PaletteMatcher()


def build_injector(width: int, style_widths: tuple[int, ...], options: NetworkOptions) -> Injector:
    """The module that the options name, for features of ``width`` channels."""
    if options.transfer == "moments":
        return MomentMatcher(width, style_widths, options.injector.deviation_floor)
    return StyleInjector(width, style_widths, options.style_hidden, options.injector)
