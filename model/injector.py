"""The HSI module: a style enters features through per-channel statistics alone."""

from collections.abc import Iterator, Sequence
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hsi.model.extraction import GlobalStyleExtraction, extract_together, joined_layers
from hsi.model.injection import Injector, frame_moments, spread
from hsi.model.options import InjectorOptions


class StyleInjector(Injector):
    """One HSI module (arXiv 2502.04369), split into its style half and its content half.

    The style half runs once per style and returns the module's part of the style code,
    ``[K_s, V_s, GAP(K)]``. The content half is the frame path::

        Q    = f(norm(F_c))                     Q_c = GAP(f(F_c)) = f(mean F_c)
        lam  = (1 + cos(Q_c, GAP K)) / 2                               one number per frame
        F_qk = lam * (Q_c * K_s) + (1 - lam) * (Q * K_s)                        Eq. 8
        F_cs = residual(F_c) + out(sigmoid(F_qk) * V_s)

    Inferred, and chosen here: Q_c and K come from un-normalised features (behind an instance norm
    their means would be constants); f is linear, so Q_c needs no pass over Q of its own; several
    style levels, where there are any, are extracted apart and summed.
    """

    def __init__(
        self, width: int, style_widths: tuple[int, ...], hidden: int, options: InjectorOptions
    ) -> None:
        super().__init__(width)
        self.options = options
        self.query = nn.Conv2d(width, width, 1)
        self.out = nn.Conv2d(width, width, 1)
        self.keys = nn.ModuleList(nn.Conv2d(c, width, 1) for c in style_widths)
        self.values = nn.ModuleList(nn.Conv2d(c, width, 1) for c in style_widths)
        self.key_styles = _extractions(style_widths, width, hidden, options)
        self.value_styles = _extractions(
            () if options.value_source == "mean" else style_widths, width, hidden, options
        )

    @property
    def code_size(self) -> int:
        """Length of this module's part of a style code."""
        return 3 * self.width

    @property
    def statistics_sizes(self) -> dict[str, int]:
        """Mean, variance, Q_c and lambda_g."""
        width = self.width
        return {"mean": width, "variance": width, "pooled_query": width, "relation": 1}

    def style_half(self) -> list[nn.Module]:
        """See :meth:`Injector.style_half`."""
        return [self.keys, self.values, self.key_styles, self.value_styles]

    def encode_style(self, levels: list[Tensor]) -> Tensor:
        """K_s, V_s and the pooled key; see :meth:`Injector.encode_style`."""
        return encode_styles([self], levels)

    def extractions(self, number: int) -> list[GlobalStyleExtraction]:
        """Those of one level, for K_s and, where V_s is extracted too, for V_s."""
        found = [styles[number] for styles in (self.key_styles, self.value_styles) if len(styles)]
        return cast("list[GlobalStyleExtraction]", found)

    def forward(
        self, features: Tensor, code: Tensor, fed: Tensor, fed_weight: Tensor
    ) -> tuple[Tensor, Tensor]:
        """The content half: linear in pixels, two reductions and two 1x1 convolutions.

        The code comes from :meth:`encode_style`; see :meth:`Injector.forward`.
        """
        key_style, value_style, pooled_key = code.split(self.width, 1)
        used = self._statistics(features, pooled_key, fed, fed_weight)
        mean, variance, pooled_query, relation = used.split(
            [self.width, self.width, self.width, 1], 1
        )
        scale = (variance + self.options.deviation_floor).rsqrt()
        normed = (features - spread(mean)) * spread(scale)
        query = self.query(self._query_input(features, normed))
        local, constant = _mix(self.options, relation, key_style, pooled_query)
        attention = query * spread(local) + spread(constant)
        gate = attention.sigmoid() if self.options.activation == "sigmoid" else attention.tanh()
        residual = features if self.options.residual == "raw" else normed
        return residual + self.out(gate * spread(value_style)), used

    def _statistics(
        self, features: Tensor, pooled_key: Tensor, fed: Tensor, fed_weight: Tensor
    ) -> Tensor:
        mean, variance = frame_moments(features)
        weight = self.query.weight.flatten(1).float()
        pooled_query = F.linear(mean, weight, self.query.bias)
        relation = _relation(pooled_query, pooled_key, self.options)
        own = torch.cat([mean, variance, pooled_query, relation], 1)
        return own + fed_weight * (fed - own)

    def _query_input(self, features: Tensor, normed: Tensor) -> Tensor:
        if self.options.query_norm == "instance":
            return normed
        if self.options.query_norm == "none":
            return features
        mean = features.mean(1, keepdim=True)
        centred = features - mean
        return centred * (centred.square().mean(1, keepdim=True) + 1e-5).rsqrt()


def encode_styles(injectors: Sequence[StyleInjector], levels: list[Tensor]) -> Tensor:
    """The style halves of many modules, in one pass over each level.

    Returns:
        `(N, code sizes in all)`, the parts of the modules one behind the other.
    """
    sums = [torch.zeros(())] * (3 * len(injectors))
    for number, level in enumerate(levels):
        parts = _style_parts(injectors, number, level)
        sums = [total + part for total, part in zip(sums, parts, strict=True)]
    code: Tensor = torch.cat(sums, 1) * len(levels) ** -0.5
    return code


def _style_parts(
    injectors: Sequence[StyleInjector], number: int, level: Tensor
) -> Iterator[Tensor]:
    """What one level says to each module: K_s, V_s and the pooled key."""
    layers = [layer for i in injectors for layer in (i.keys[number], i.values[number])]
    both = F.conv2d(level, *joined_layers(layers))  # K and V of every module
    source = injectors[0].options.value_source
    runs = both.split([layer.out_channels for layer in layers], 1)
    extractions = [extraction for i in injectors for extraction in i.extractions(number)]
    if source == "mean":
        keys = torch.cat(runs[::2], 1)
    else:
        keys = both if source == "value" else torch.cat([k for k in runs[::2] for _ in "kv"], 1)
    styles = iter(extract_together(extractions, keys))
    for key, value in zip(runs[::2], runs[1::2], strict=True):
        yield next(styles)
        yield value.mean((2, 3)) if source == "mean" else next(styles)
        yield key.mean((2, 3))


def _relation(query: Tensor, key: Tensor, options: InjectorOptions) -> Tensor:
    """lambda_g `(N, 1)`: how much the global relation weighs, from the pooled Q and K."""
    norms = (query.square().sum(1, keepdim=True) * key.square().sum(1, keepdim=True) + 1e-8).sqrt()
    cosine = (query * key).sum(1, keepdim=True) / norms
    return (1 + cosine) / 2 if options.relation_map == "half" else cosine.clamp(0, 1)


def _mix(
    options: InjectorOptions, relation: Tensor, key_style: Tensor, pooled_query: Tensor
) -> tuple[Tensor, Tensor]:
    """Eq. 8 as one multiply-add per element: F_qk = local * Q + constant."""
    if options.relation == "local":
        return key_style, torch.zeros_like(key_style)
    if options.relation == "global":
        return torch.zeros_like(key_style), pooled_query * key_style
    return (1 - relation) * key_style, relation * pooled_query * key_style


def _extractions(
    levels: tuple[int, ...], width: int, hidden: int, options: InjectorOptions
) -> nn.ModuleList:
    return nn.ModuleList(GlobalStyleExtraction(width, hidden, options) for _ in levels)
