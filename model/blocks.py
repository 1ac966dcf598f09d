"""Pictures as blocks of pixels: what a network at stride 4 reads and writes."""

from torch import Tensor


def blocks_of(picture: Tensor, side: int) -> Tensor:
    """`(N, 3, H, W)` to `(N, 3 side^2, H / side, W / side)`: row in the block, column, then BGR.

    In this order a block's row is a run of the channels-last picture, so that the graph of an
    export moves runs of pixels and not single values.
    """
    count, colours, height, width = picture.shape
    rows, columns = height // side, width // side
    split = picture.reshape(count, colours, rows, side, columns, side)
    return split.permute(0, 3, 5, 1, 2, 4).reshape(count, colours * side**2, rows, columns)


def picture_of(blocks: Tensor, side: int) -> Tensor:
    """The inverse of :func:`blocks_of`."""
    count, channels, rows, columns = blocks.shape
    split = blocks.reshape(count, side, side, channels // side**2, rows, columns)
    joined = split.permute(0, 3, 4, 1, 5, 2)
    return joined.reshape(count, channels // side**2, rows * side, columns * side)
