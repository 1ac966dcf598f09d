"""VGG-19 features of pictures, on which three of the four measures stand."""

from pathlib import Path
from typing import TypeAlias

import numpy as np
import torch
from torch import Tensor

from hsi.model.checkpoint import load_tensors
from hsi.model.device import checked_device
from hsi.model.vgg import vgg19_encoder
from hsi.runtime.errors import EngineError
from hsi.runtime.frame import Image

Levels: TypeAlias = list[Tensor]
"""relu1_1, relu2_1, relu3_1 and relu4_1 of one picture: `(C, H / 2^l, W / 2^l)` float32, with 64,
128, 256 and 512 channels, 0 and up."""


class FeatureNetwork:
    """VGG-19 up to relu4_1 with reflection padding, in full float32.

    Args:
        path: Its weights, normalised as AdaIN's.
        device: What torch calls it; None for a CUDA device if there is one, else the CPU.

    Raises:
        SourceError: The file is missing or holds another network.
        OptionError: There is no such device.
    """

    def __init__(self, path: Path, device: str | None = None) -> None:
        wanted = device or ("cuda" if torch.cuda.is_available() else "cpu")
        self._device = checked_device(wanted, "--device")
        self._encoder = vgg19_encoder()
        self._encoder.load_convs(load_tensors(path), path.name)
        self._encoder.requires_grad_(False).eval().to(self._device)

    @torch.inference_mode()
    def levels(self, picture: Image) -> Levels:
        """Features of one picture.

        Args:
            picture: `(H, W, 3) uint8 BGR`, sides of at least 16.

        Raises:
            EngineError: Memory does not suffice.
        """
        planes = torch.from_numpy(np.ascontiguousarray(picture.transpose(2, 0, 1)))[None]
        try:
            # TensorFloat-32 would keep ten bits of the products: scores are of float32.
            with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
                taps: list[Tensor] = self._encoder(planes.to(self._device).float() / 255)
        except RuntimeError as error:
            raise _translated(error, picture, self._device) from error
        return [tap[0] for tap in taps]


def _translated(error: RuntimeError, picture: Image, device: torch.device) -> EngineError:
    height, width = picture.shape[:2]
    reason = str(error).splitlines()[0]
    return EngineError(
        f"VGG-19 on {device}: expected memory for a picture of {width}x{height}, found: {reason}: "
        "lower --size or choose another --device"
    )
