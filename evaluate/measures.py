"""The four measures of one result."""

from dataclasses import dataclass
from typing import TypeAlias

import cv2
import torch
from skimage.metrics import structural_similarity
from torch import Tensor
from torch.nn import functional as F

from hsi.evaluate.features import Levels
from hsi.runtime.frame import Image

Moments: TypeAlias = list[tuple[Tensor, Tensor]]
"""Per level the channels' means and standard deviations over positions, `(C,)` each."""


@dataclass(frozen=True, kw_only=True)
class Scores:
    """What one result scores against its content and its style."""

    content_loss: float  # 0 and up, lower is nearer to the content
    style_loss: float  # 0 and up, lower is nearer to the style
    ssim: float  # [-1, 1], higher is nearer to the content
    vgg_distance: float  # [0, 8], lower is nearer to the content


@torch.inference_mode()
def moments(levels: Levels) -> Moments:
    """Mean and standard deviation (over all positions, not one fewer) of every channel."""
    pairs = (torch.var_mean(level, dim=(1, 2), correction=0) for level in levels)
    return [(mean, variance.sqrt()) for variance, mean in pairs]


@torch.inference_mode()
def content_loss(made: Levels, content: Levels) -> float:
    """Mean squared error at relu4_1 (AdaIN, arXiv 1703.06868, with the content as the target)."""
    return float(F.mse_loss(made[3], content[3]))


@torch.inference_mode()
def style_loss(made: Moments, style: Moments) -> float:
    """Mean squared error over channels of the means plus that of the standard deviations.

    Summed over the four levels: AdaIN's L_s (arXiv 1703.06868, equation 13), squared.
    """
    total = 0.0
    for of_made, of_style in zip(made, style, strict=True):
        for a, b in zip(of_made, of_style, strict=True):
            total += float(F.mse_loss(a, b))
    return total


@torch.inference_mode()
def vgg_distance(made: Levels, content: Levels) -> float:
    """Distance of the directions of features, summed over the four levels.

    Every position's channels are scaled to a unit vector; the squared distance of two such vectors
    is averaged over positions. The form of LPIPS (arXiv 1801.03924, equation 1) with all weights 1
    and other levels of another VGG: it is not LPIPS.
    """
    total = 0.0
    for a, b in zip(made, content, strict=True):
        apart = F.normalize(a, dim=0, eps=1e-10) - F.normalize(b, dim=0, eps=1e-10)
        total += float(apart.square_().sum(0).mean())
    return total


def ssim(made: Image, content: Image) -> float:
    """Structural similarity of the lumas, as Wang et al. (2004) have it.

    A Gaussian window of 1.5 pixels, 11 wide, K1 = 0.01, K2 = 0.03; luma is BT.601's in 8 bits.

    Args:
        made: `(H, W, 3) uint8 BGR`.
        content: The same size.
    """
    lumas = (cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY) for picture in (made, content))
    return float(
        structural_similarity(
            *lumas, data_range=255, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
        )
    )
