"""How far a pixel of the result looks, measured on the network itself."""

import copy

import torch

from hsi.model import StyleNetwork
from hsi.runtime.errors import QualityError

WINDOWS = (256, 512, 1024)  # pixels; the first that is wider than what the network sees


def receptive_field(network: StyleNetwork, trials: int = 2) -> int:
    """Pixels across that can change one pixel of the result while the statistics are held.

    The gradient of one stride-sized block is followed back through a copy with positive weights,
    where nothing cancels and no unit is dead; several pictures, since pooling follows the largest.

    Returns:
        An odd number of pixels, at most ``stride`` - 1 a side too large.

    Raises:
        QualityError: The network sees as far as the largest window it is measured in.
    """
    network = copy.deepcopy(network).eval()
    for parameter in network.parameters():
        parameter.data.abs_().add_(1e-4)
        if parameter.ndim > 1:  # every layer averages: what only grew would end in infinity
            parameter.data.div_(
                parameter.data.flatten(1).sum(1).view(-1, *[1] * (parameter.ndim - 1))
            )
    for window in WINDOWS:
        reach = max(_reach(network, window, trial) for trial in range(trials))
        if 2 * reach + 1 < window - network.stride:
            return 2 * reach + 1
    raise QualityError(
        f"receptive field: expected less than {WINDOWS[-1]} pixels, found all of them: tiles need "
        "a network that sees less"
    )


def _reach(network: StyleNetwork, window: int, seed: int) -> int:
    noise = torch.Generator().manual_seed(seed)
    code = torch.rand(1, network.code_size, generator=noise)
    fed = torch.rand(1, network.statistics_size, generator=noise)
    frame = torch.rand(1, 3, window, window, generator=noise).requires_grad_()
    start = window // 2 // network.stride * network.stride
    end = start + network.stride
    stylised, _ = network(frame, code, fed, torch.ones(1, 1))
    (gradient,) = torch.autograd.grad(stylised[:, :, start:end, start:end].sum(), frame)
    touched = gradient[0].abs().sum(0)
    hits = [touched.sum(side).nonzero().flatten() for side in (0, 1)]
    return max(max(int(hit.max()) - start, end - 1 - int(hit.min())) for hit in hits)
