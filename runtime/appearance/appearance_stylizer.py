"""Pictures in the appearance of another: the method with sizes, masks and banks looked after."""

import os
from dataclasses import dataclass

import cv2
import numpy as np

from hsi.runtime.appearance.adain import Masks
from hsi.runtime.appearance.attention_view import AttentionView, mask_picture
from hsi.runtime.appearance.bank import Bank, make_bank
from hsi.runtime.appearance.denoiser import Model
from hsi.runtime.appearance.onnx_model import OnnxModel
from hsi.runtime.appearance.options import TransferOptions
from hsi.runtime.appearance.pictures import fitted_pictures
from hsi.runtime.appearance.transfer import OnStep, transfer
from hsi.runtime.errors import OptionError
from hsi.runtime.frame import Image


@dataclass(frozen=True, kw_only=True, eq=False)
class Transferred:
    """A structure in an appearance."""

    picture: Image  # (H, W, 3) uint8 BGR, of the model's size
    mask: Image  # the structure's object, of the same size: white
    view: AttentionView | None  # what looked where, if asked for


class AppearanceStylizer:
    """Gives pictures the appearance of another.

    For example::

        stylizer = load("model.hsi")
        stylizer.set_style(cv2.imread("zebra.jpg"))
        made = stylizer(cv2.imread("giraffe.jpg")).picture

    Args:
        model: Opened by torch or from a bundle.
        size: `(width, height)` in pixels of everything it makes, whole strides of the model.
        options: How.

    Raises:
        OptionError: The size does not fit the model.
    """

    def __init__(
        self, model: Model, size: tuple[int, int], options: TransferOptions | None = None
    ) -> None:
        width, height = size
        if min(size) < 1 or width % model.stride or height % model.stride:
            raise OptionError(
                f"size must be multiples of {model.stride} pixels for this model, got "
                f"{width}x{height}"
            )
        self.model, self.size = model, size
        self.options = options or TransferOptions()
        self._bank: Bank | None = None

    @property
    def bank(self) -> Bank:
        """The appearance.

        Raises:
            OptionError: None is set.
        """
        if self._bank is None:
            raise OptionError("no appearance: set_style with a picture, or --style PICTURE")
        return self._bank

    def set_style(self, appearance: Image | Bank, *, mask: Image | None = None) -> None:
        """Set the appearance, which is encoded once.

        Args:
            appearance: `(H, W, 3)` uint8 BGR of any size, cropped about its centre; or a bank.
            mask: Of the same size, white where the object is; None: found.

        Raises:
            FrameError: The picture is too small.
            OptionError: The mask is empty.
            QualityError: The network gives NaN.
        """
        if isinstance(appearance, Bank):
            self._bank = appearance
            return
        latents = self.model.encode(fitted_pictures([appearance], self.size))
        masks = self._masks(mask, latents.shape[2:])
        self._bank = make_bank(self.model, latents, self.options, masks=masks)

    def __call__(
        self,
        structure: Image,
        *,
        mask: Image | None = None,
        view: bool = False,
        on_step: OnStep = lambda done, total: None,
    ) -> Transferred:
        """A structure in the appearance that is set.

        Args:
            structure: `(H, W, 3)` uint8 BGR of any size, cropped about its centre.
            mask: Of the same size, white where the object is; None: found.
            view: Give what looked where, too.
            on_step: Told after each step.

        Raises:
            OptionError: No appearance is set, or it is of another model, size or number of steps.
            FrameError: The picture is too small.
            QualityError: The network gives NaN: no picture is made of it.
        """
        bank = self.bank
        latents = self.model.encode(fitted_pictures([structure], self.size))
        found = transfer(
            self.model,
            bank,
            latents,
            self.options,
            masks=self._masks(mask, latents.shape[2:]),
            views=view,
            on_step=on_step,
        )
        return Transferred(
            picture=self.model.decode(found.latents)[0],
            mask=mask_picture(found.masks[0], self.size),
            view=found.views[0] if found.views else None,
        )

    def _masks(self, mask: Image | None, latent_size: tuple[int, ...]) -> Masks | None:
        if mask is None:
            return None
        grey = fitted_pictures([mask], self.size)[0].mean(axis=2).astype(np.float32) / 255
        height, width = latent_size
        small = cv2.resize(grey, (width, height), interpolation=cv2.INTER_AREA)
        return np.asarray(small[None] >= 0.5, np.float32)


def load(
    bundle: str | os.PathLike[str],
    *,
    options: TransferOptions | None = None,
    engine: str = "auto",
    threads: int | None = None,
) -> AppearanceStylizer:
    """Open a bundle of family cross-image.

    Args:
        bundle: A ``.hsi`` file.
        options: How appearances are transferred.
        engine: `auto`, `onnxruntime-cpu` or `onnxruntime-cuda`.
        threads: CPU threads; None: all cores.

    Raises:
        BundleError: The file is no such bundle, damaged, unsafe or too new.
        EngineError: The engine cannot run it here.
    """
    model = OnnxModel(bundle, engine=engine, threads=threads)
    return AppearanceStylizer(model, (model.manifest.width, model.manifest.height), options)
