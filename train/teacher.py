"""A trained network whose pictures another one is to come near: distillation."""

from contextlib import AbstractContextManager
from pathlib import Path

import torch
from torch import Tensor

from hsi.model import VggNetwork
from hsi.model.checkpoint import load_checkpoint


class Teacher:
    """A checkpoint's network, for inference.

    Args:
        path: A checkpoint of `hsi-train`, of any preset.
        device: What computes.

    Raises:
        SourceError: It cannot be read or is something else.
    """

    def __init__(self, path: Path, device: str) -> None:
        self._network = load_checkpoint(path).network.to(device).requires_grad_(False)
        if isinstance(self._network, VggNetwork):  # for wide layers the faster layout
            self._network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    @torch.no_grad()
    def pictures(
        self, contents: Tensor, styles: Tensor, share: int, autocast: AbstractContextManager[object]
    ) -> Tensor:
        """What it makes of photographs.

        Args:
            contents: `(N, 3, H, W)` BGR in [0, 1].
            styles: `(N / share, 3, h, w)`, likewise; each is for ``share`` photographs in a row.
            share: See there.
            autocast: What it computes in.

        Returns:
            `(N, 3, H, W)` float32 BGR in [0, 1].
        """
        with autocast:
            codes = self._network.encode_style(styles).repeat_interleave(share, 0)
            made: Tensor = self._network(contents, codes)[0]
        return made.float().clamp(0, 1)
