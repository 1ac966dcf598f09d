"""Cross-Image Attention in torch: diffusion models in diffusers layout, with their attention open.

The method itself is in `hsi.runtime.appearance`, which has no torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hsi.appearance.codec import Codec, PixelCodec, VaeCodec
    from hsi.appearance.diffusion_model import DiffusionModel
    from hsi.appearance.model_folder import load_model, save_model

_PLACES = {
    "Codec": "codec",
    "DiffusionModel": "diffusion_model",
    "PixelCodec": "codec",
    "VaeCodec": "codec",
    "load_model": "model_folder",
    "save_model": "model_folder",
}

__all__ = ["Codec", "DiffusionModel", "PixelCodec", "VaeCodec", "load_model", "save_model"]


def __getattr__(name: str) -> Any:
    # The command must be able to say that torch or diffusers is missing, so it comes first.
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)
