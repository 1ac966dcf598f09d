"""The multi-scale discriminator behind the adversarial loss."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class MultiScaleDiscriminator(nn.Module):
    """Three PatchGANs on a picture, its half and its quarter (HSI paper, L_adv; the kind inferred).

    Least-squares GAN terms, averaged over the scales so that the weight means the same for any
    number of them.
    """

    def __init__(self, width: int = 32, scales: int = 3) -> None:
        super().__init__()
        self.scales = nn.ModuleList(_patch_gan(width) for _ in range(scales))

    def forward(self, pictures: Tensor) -> list[Tensor]:
        """`(N, 3, H, W)` in [0, 1] to one score map `(N, 1, h, w)` per scale."""
        scores = []
        for scale in self.scales:
            scores.append(scale(pictures * 2 - 1))
            pictures = F.avg_pool2d(pictures, 2)
        return scores

    def judge(self, pictures: Tensor, target: float) -> Tensor:
        """Mean squared distance of all scores from ``target`` (1 real, 0 made)."""
        terms = [(score - target).square().mean() for score in self(pictures)]
        return torch.stack(terms).mean()


def _patch_gan(width: int) -> nn.Sequential:
    steps: list[nn.Module] = []
    before = 3
    for after in (width, 2 * width, 4 * width):
        steps += [nn.Conv2d(before, after, 4, stride=2, padding=1), nn.LeakyReLU(0.2)]
        before = after
    return nn.Sequential(*steps, nn.Conv2d(before, 1, 3, padding=1))
