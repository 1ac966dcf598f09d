import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from hsi.model.blocks import picture_of
from hsi.model.picture_head import PictureHead


def head(block: int = 4) -> PictureHead:
    made = PictureHead(5, block).requires_grad_(False)
    made.bias.normal_()
    return made


def upsampled_then_convolved(made: PictureHead, features: Tensor) -> Tensor:
    large = F.interpolate(features, scale_factor=made.block, mode="nearest")
    return F.conv2d(large, made.weight, made.bias)


@pytest.mark.parametrize("block", [2, 4])
def test_it_equals_nearest_upsampling_then_one_large_convolution(block: int) -> None:
    made, features = head(block), torch.randn(2, 5, 6, 9)

    torch.testing.assert_close(
        picture_of(made(features), block), upsampled_then_convolved(made, features)
    )


def test_its_gradient_is_that_of_the_large_convolution() -> None:
    made, features = head().requires_grad_(True), torch.randn(1, 5, 4, 4)

    (folded,) = torch.autograd.grad(made(features).square().sum(), made.weight)
    (plain,) = torch.autograd.grad(
        upsampled_then_convolved(made, features).square().sum(), made.weight
    )

    torch.testing.assert_close(folded, plain, rtol=1e-4, atol=1e-3)


def test_flat_ground_stays_flat_so_that_no_grid_shows() -> None:
    made, flat = head(), torch.randn(1, 5, 1, 1).expand(1, 5, 8, 8)

    made_flat = picture_of(made(flat), 4)

    spread = made_flat.amax((2, 3)) - made_flat.amin((2, 3))
    assert spread.max() < 1e-5


def test_blocks_of_free_pixels_would_leave_a_grid() -> None:
    # The check above can fail: pixels with kernels of their own do not agree on flat ground.
    flat = torch.randn(1, 5, 1, 1).expand(1, 5, 8, 8)

    free = picture_of(F.conv2d(flat, torch.randn(48, 5, 3, 3)), 4)

    assert (free.amax((2, 3)) - free.amin((2, 3))).max() > 0.1


def test_as_a_plain_layer_it_is_the_same() -> None:
    made, features = head(), torch.randn(2, 5, 6, 9)

    torch.testing.assert_close(made.as_convolution()(features), made(features))
