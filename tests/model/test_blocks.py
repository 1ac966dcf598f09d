import torch

from hsi.model.blocks import blocks_of, picture_of


def test_a_block_holds_its_pixels_row_by_row_with_the_colours_innermost() -> None:
    picture = torch.arange(2 * 3 * 8 * 12).view(2, 3, 8, 12)

    blocks = blocks_of(picture, 4)

    assert blocks.shape == (2, 48, 2, 3)
    block = picture[1, :, 4:8, 8:12]  # the block in row 1, column 2
    assert torch.equal(blocks[1, :, 1, 2], block.permute(1, 2, 0).flatten())


def test_a_picture_comes_back_from_its_blocks() -> None:
    picture = torch.rand(2, 3, 8, 12)

    for side in (1, 2, 4):
        assert torch.equal(picture_of(blocks_of(picture, side), side), picture)
