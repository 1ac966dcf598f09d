"""How far a pixel of the result looks, measured on the network itself."""

import copy

import torch

from hsi.model import StyleNetwork
from hsi.runtime.errors import QualityError

WINDOW = 512  # pixels; both presets see less


def receptive_field(network: StyleNetwork, trials: int = 2) -> int:
    """Pixels across that can change one pixel of the result while the statistics are held.

    The gradient of one stride-sized block is followed back through a copy with positive weights,
    where nothing cancels and no unit is dead; several pictures, since pooling follows the largest.

    Returns:
        An odd number of pixels, at most ``stride`` - 1 a side too large.

    Raises:
        QualityError: The network sees as far as the window it is measured in.
    """
    network = copy.deepcopy(network).eval()
    for parameter in network.parameters():
        parameter.data.abs_().add_(1e-4)
    code = torch.rand(1, network.code_size)
    fed, weight = torch.rand(1, network.statistics_size), torch.ones(1, 1)
    start = WINDOW // 2 // network.stride * network.stride
    block = slice(start, start + network.stride)
    reach = 0
    for trial in range(trials):
        noise = torch.Generator().manual_seed(trial)
        frame = torch.rand(1, 3, WINDOW, WINDOW, generator=noise, requires_grad=True)
        stylised, _ = network(frame, code, fed, weight)
        (gradient,) = torch.autograd.grad(stylised[:, :, block, block].sum(), frame)
        touched = gradient[0].abs().sum(0)
        for side in (touched.sum(0), touched.sum(1)):
            hit = side.nonzero().flatten()
            reach = max(reach, int(hit.max()) - start, start + network.stride - 1 - int(hit.min()))
    if 2 * reach + 1 >= WINDOW - network.stride:
        raise QualityError(f"receptive field: expected less than {WINDOW} pixels, found all of them")
    return 2 * reach + 1
