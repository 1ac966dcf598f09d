import torch
from torch import Tensor
from torch.nn import functional as F

from hsi.model.upsample import UpsampleConv


def layer() -> UpsampleConv:
    made = UpsampleConv(5, 3).requires_grad_(False)
    made.bias.normal_()
    return made


def upsampled_then_convolved(made: UpsampleConv, features: Tensor) -> Tensor:
    features = F.interpolate(features, scale_factor=2, mode="nearest")
    return F.conv2d(F.pad(features, (2, 2, 2, 2), mode="replicate"), made.weight, made.bias)


def test_it_equals_nearest_upsampling_then_a_5x5_convolution_up_to_the_borders() -> None:
    made, features = layer(), torch.randn(2, 5, 6, 9)

    torch.testing.assert_close(made(features), upsampled_then_convolved(made, features))


def test_its_gradient_is_that_of_the_5x5_convolution() -> None:
    made, features = layer().requires_grad_(True), torch.randn(1, 5, 4, 4)

    (folded,) = torch.autograd.grad(made(features).square().sum(), made.weight)
    (plain,) = torch.autograd.grad(
        upsampled_then_convolved(made, features).square().sum(), made.weight
    )

    torch.testing.assert_close(folded, plain, rtol=1e-4, atol=1e-3)


def test_flat_ground_stays_flat_so_that_no_grid_shows() -> None:
    made, flat = layer(), torch.randn(1, 5, 1, 1).expand(1, 5, 8, 8)

    made_flat = made(flat)

    spread = made_flat.amax((2, 3)) - made_flat.amin((2, 3))
    assert spread.max() < 1e-5


def test_a_pixel_shuffle_of_free_phases_would_leave_a_grid() -> None:
    # The check above can fail: phases with kernels of their own do not agree on flat ground.
    flat = torch.randn(1, 5, 1, 1).expand(1, 5, 8, 8)

    shuffled = F.pixel_shuffle(F.conv2d(flat, torch.randn(12, 5, 3, 3), padding=1), 2)

    inner = shuffled[:, :, 2:-2, 2:-2]
    assert (inner.amax((2, 3)) - inner.amin((2, 3))).max() > 0.1


def test_as_plain_layers_it_is_the_same() -> None:
    made, features = layer(), torch.randn(2, 5, 6, 9)

    torch.testing.assert_close(made.as_convolution()(features), made(features))
