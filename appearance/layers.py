"""Which attention layers of a U-Net take part, by the structure of its decoder."""

from dataclasses import dataclass

from diffusers import UNet2DConditionModel
from diffusers.models.attention_processor import Attention
from torch import nn

from hsi.runtime.appearance.denoiser import AttentionLayer
from hsi.runtime.appearance.plan import COARSE, FINE
from hsi.runtime.errors import SourceError


@dataclass(frozen=True, kw_only=True)
class FoundLayer:
    """A layer and the module it is."""

    layer: AttentionLayer
    module: Attention


def decoder_layers(unet: UNet2DConditionModel) -> list[FoundLayer]:
    """Self-attention layers of the last two blocks of the decoder, in order.

    For Stable Diffusion at 512 pixels those are the six with 64x64 and 32x32 tokens that the
    published code picks by their number of tokens. By the block they are the same at any size.

    Raises:
        SourceError: There is none.
    """
    blocks = len(unet.up_blocks)
    found = [
        FoundLayer(
            layer=AttentionLayer(name=f"up_blocks.{at}.{name}", group=group, heads=module.heads),
            module=module,
        )
        for at, group in ((blocks - 2, COARSE), (blocks - 1, FINE))
        if at >= 0
        for name, module in unet.up_blocks[at].named_modules()
        if isinstance(module, Attention) and _looks_at_itself(name, module)
    ]
    if not found:
        raise SourceError(
            "U-Net: expected self-attention in the last two blocks of its decoder, found none: "
            "take another model"
        )
    return found


def noun_layer(unet: UNet2DConditionModel) -> Attention | None:
    """The last layer with four latent pixels a token that attends to the text, if there is one."""
    if len(unet.up_blocks) < 2:
        return None
    block: nn.Module = unet.up_blocks[-2]
    fit = [
        module
        for name, module in block.named_modules()
        if isinstance(module, Attention) and name.endswith("attn2")
    ]
    return fit[-1] if fit else None


def _looks_at_itself(name: str, module: Attention) -> bool:
    # Blocks without text hold bare attention modules; blocks with text hold attn1 and attn2.
    bare = not name.endswith(("attn1", "attn2"))
    return (bare or name.endswith("attn1")) and not module.is_cross_attention
