"""Lets the parts of a style code know of each other."""

from torch import Tensor, nn


class CodeMixer(nn.Module):
    """A correction of style codes by two small layers that see the whole code.

    Not the paper's. Each module sums what each level of the style says to it, and none hears of
    the others; yet the best code of a module depends on what the modules before it make. Runs once
    per style, with the style half. It corrects by nothing at first, so that a trained network can
    be given one.

    Args:
        code_size: Floats in a code.
        hidden: Width between the layers.
    """

    def __init__(self, code_size: int, hidden: int) -> None:
        super().__init__()
        self.into = nn.Linear(code_size, hidden)
        self.out = nn.Linear(hidden, code_size)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, code: Tensor) -> Tensor:
        """`(N, code_size)` to the same."""
        corrected: Tensor = code + self.out(nn.functional.leaky_relu(self.into(code), 0.2))
        return corrected
