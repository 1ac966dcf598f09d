"""What a made picture is judged by: weighted losses beside its photograph and its style."""

from dataclasses import dataclass

import torch
from torch import Tensor

from hsi.train.losses import (
    LossNetwork,
    content_loss,
    grey,
    mean_deviation,
    moment_loss,
    palette_loss,
    structure_loss,
    teacher_loss,
)
from hsi.train.options import LossWeights, StyleNorm


@dataclass(frozen=True, kw_only=True, eq=False)
class StyleTarget:
    """Styles, one for each made picture, and what the loss network sees in them."""

    pictures: Tensor  # (N, 3, H, W) BGR in [0, 1]
    moments: list[tuple[Tensor, Tensor]]  # means and deviations at relu1_1 ... relu4_1, (N, C_l)

    def repeated(self, times: int) -> "StyleTarget":
        """Each style for ``times`` made pictures in a row."""
        return StyleTarget(
            pictures=self.pictures.repeat_interleave(times, 0),
            moments=[
                (mean.repeat_interleave(times, 0), deviation.repeat_interleave(times, 0))
                for mean, deviation in self.moments
            ],
        )


class Objective:
    """The weighted losses of training, but for the adversarial one, which learns itself.

    Args:
        loss_network: The VGG-19 that judges.
        weights: Losses of weight 0 are not computed.
        style_norm: Distance in the style loss.
        structure_levels: Where the structure loss looks: 1 is relu1_1.
    """

    def __init__(
        self,
        loss_network: LossNetwork,
        weights: LossWeights,
        style_norm: StyleNorm,
        structure_levels: tuple[int, ...],
    ) -> None:
        self.loss_network = loss_network
        self.weights = weights
        self.style_norm = style_norm
        self.structure_levels = structure_levels

    @torch.no_grad()
    def target(self, styles: Tensor) -> StyleTarget:
        """What to come near: styles `(N, 3, H, W)` BGR in [0, 1]."""
        moments = [mean_deviation(level) for level in self.loss_network(styles)]
        return StyleTarget(pictures=styles, moments=moments)

    def terms(
        self,
        made: Tensor,
        contents: Tensor,
        style: StyleTarget,
        ramp: float = 1.0,
        taught: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """Each loss by name, times its weight.

        Args:
            made: `(N, 3, H, W)` float32 BGR, near [0, 1].
            contents: The photographs they were made from, likewise.
            style: One for each.
            ramp: In [0, 1]: multiplies what pulls towards the style.
            taught: What a teacher made of the photographs in these styles.
        """
        weights = self.weights
        with torch.no_grad():
            wanted = self.loss_network(self._with_grey(contents))
        levels = self.loss_network(self._with_grey(made))
        count = len(made)
        coloured = [level[:count] for level in levels]
        terms = {
            "style": weights.style * ramp * moment_loss(coloured, style.moments, self.style_norm),
            "content": weights.content * content_loss(coloured[-1], wanted[-1][:count]),
        }
        if weights.grey_content:
            loss = content_loss(levels[-1][count:], wanted[-1][count:])
            terms["grey_content"] = weights.grey_content * loss
        if weights.structure:
            pairs = [(coloured[i - 1], wanted[i - 1][:count]) for i in self.structure_levels]
            fine = [structure_loss(a, b) for a, b in pairs]
            terms["structure"] = weights.structure * torch.stack(fine).mean()
        if weights.palette:
            terms["palette"] = weights.palette * ramp * palette_loss(made, style.pictures)
        if taught is not None:
            with torch.no_grad():
                pattern = self.loss_network(taught)
            terms["teacher"] = weights.teacher * teacher_loss(coloured, pattern)
        if weights.identity:
            terms["identity"] = weights.identity * (made[0] - contents[0]).abs().mean()
        return terms

    def _with_grey(self, pictures: Tensor) -> Tensor:
        if not self.weights.grey_content:
            return pictures
        return torch.cat([pictures, grey(pictures)])
