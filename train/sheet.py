"""Contact sheets: every style by every content picture in one image."""

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from hsi.model import StyleNetwork
from hsi.model.checkpoint import written_beside


@torch.no_grad()
def contact_sheet(network: StyleNetwork, contents: Tensor, styles: Tensor) -> npt.NDArray[np.uint8]:
    """Styles down the side, contents along the top.

    Args:
        network: In evaluation mode.
        contents: `(C, 3, size, size)` BGR in [0, 1].
        styles: `(S, 3, size, size)`, likewise.

    Returns:
        `((S + 1) size, (C + 1) size, 3) uint8 BGR`.
    """
    codes = network.encode_style(styles)
    rows = [torch.cat([torch.ones_like(contents[0]), *contents], 2)]
    for style, code in zip(styles, codes, strict=True):
        made, _ = network(contents, code.expand(len(contents), -1))
        rows.append(torch.cat([style, *made.clamp(0, 1)], 2))
    sheet = torch.cat(rows, 1).permute(1, 2, 0).mul(255).round().byte()
    return sheet.cpu().numpy()


def write_picture(path: Path, picture: npt.NDArray[np.uint8]) -> None:
    """Write a picture beside, then rename it into place.

    Raises:
        OutputError: It cannot be written.
    """
    with written_beside(path) as beside:
        beside.write_bytes(cv2.imencode(path.suffix, picture)[1].tobytes())
