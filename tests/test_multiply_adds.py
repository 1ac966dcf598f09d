"""What networks compute."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from bench.multiply_adds import arithmetic_of
from hsi.model import PRESETS, StyleNetwork, build_network
from hsi.model.checkpoint import load_checkpoint

WEIGHTS = Path(__file__).parents[1] / "weights"


class OneConvolution(nn.Module):
    """3 to 5 channels for frames, 3 to 7 for styles, 3x3."""

    code_size = 7

    def __init__(self) -> None:
        super().__init__()
        self.frame = nn.Conv2d(3, 5, 3, padding=1)
        self.style = nn.Conv2d(3, 7, 3, padding=1)

    def encode_style(self, style: Tensor) -> Tensor:
        found: Tensor = self.style(style).mean((2, 3))
        return found

    def forward(self, frame: Tensor, code: Tensor) -> tuple[Tensor, Tensor]:
        return self.frame(frame), code


def test_multiply_adds_of_a_convolution_are_those_of_its_weights_at_each_pixel() -> None:
    found = arithmetic_of(OneConvolution(), "one", 32, 64)  # type: ignore[arg-type]

    assert found.frame_gmac == pytest.approx(3 * 5 * 9 * 32 * 64 / 1e9)
    assert found.kmac_per_pixel == pytest.approx(3 * 5 * 9 / 1e3)
    assert found.style_gmac == pytest.approx(3 * 7 * 9 * 32 * 64 / 1e9)
    assert found.weights == 3 * 5 * 9 + 5 + 3 * 7 * 9 + 7
    assert found.code_bytes == 28


def test_the_shipped_network_takes_8000_multiply_adds_a_pixel_at_most() -> None:
    network = load_checkpoint(WEIGHTS / "hsi-edge.pt").network

    found = arithmetic_of(network, "hsi-edge", 512, 512)

    assert found.kmac_per_pixel <= 8
    assert found.frame_gmac <= 2.1


def test_multiply_adds_are_linear_in_pixels() -> None:
    def counted(side: int) -> float:
        network: StyleNetwork = build_network(PRESETS["hsi-vgg"])
        return arithmetic_of(network, "hsi-vgg", side, side).frame_gmac

    with torch.device("meta"):
        assert counted(1024) == pytest.approx(16 * counted(256), rel=1e-3)
