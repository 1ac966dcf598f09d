"""A latent diffusion model in torch, with its attention open."""

import hashlib
import json
from dataclasses import asdict
from functools import cached_property

import numpy as np
import numpy.typing as npt
import torch
from diffusers import UNet2DConditionModel
from torch import Tensor

from hsi.appearance.codec import Codec, pictures_from_planes, planes_from_pictures
from hsi.appearance.free_u import add_published_free_u
from hsi.appearance.layers import decoder_layers, noun_layer
from hsi.appearance.processor import (
    CrossImageProcessor,
    NounProcessor,
    Tap,
    TensorControls,
    TensorFeatures,
)
from hsi.runtime.appearance.denoiser import (
    Controls,
    LayerFeatures,
    Pictures,
    Prediction,
    StepFeatures,
)
from hsi.runtime.appearance.schedule import Latents, NoiseSchedule
from hsi.runtime.errors import QualityError


class DiffusionModel:
    """See :class:`hsi.runtime.appearance.Model`, which this is.

    Args:
        unet: Its processors of the decoder's self-attention are replaced; without controls they
            compute what diffusers' own do.
        schedule: What it was trained with.
        codec: What it was trained on.
        context: The prompt's embedding `(1, L, D)`; None: one token of zeros, for models that were
            trained without text.
        empty_context: That of the empty prompt; None: zeros.
        noun_tokens: Places of the object's noun in the prompt, for masks.
        free_u: Add the published variant of FreeU to the U-Net.

    Raises:
        SourceError: The U-Net's decoder has no self-attention.
    """

    def __init__(
        self,
        *,
        unet: UNet2DConditionModel,
        schedule: NoiseSchedule,
        codec: Codec,
        context: Tensor | None = None,
        empty_context: Tensor | None = None,
        noun_tokens: tuple[int, ...] = (),
        free_u: bool = False,
    ) -> None:
        self.unet = unet.eval().requires_grad_(False)
        self.schedule = schedule
        self.codec = codec
        self.free_u = free_u
        self.noun_tokens = noun_tokens
        self.context = _no_text(unet) if context is None else context.to(unet.device)
        given = torch.zeros_like(self.context) if empty_context is None else empty_context
        self.empty_context = given.to(unet.device)
        self.tap = Tap()
        self.layers = tuple(found.layer for found in decoder_layers(unet))
        self.stride = codec.stride * 2 ** (len(unet.config.block_out_channels) - 1)
        self._open_attention()
        if free_u:
            add_published_free_u(unet)

    def predict(
        self,
        latents: Latents,
        timesteps: npt.NDArray[np.int64],
        *,
        prompted: bool = True,
        controls: Controls | None = None,
        bank: StepFeatures = (),
        record: bool = False,
    ) -> Prediction:
        """See :meth:`hsi.runtime.appearance.Model.predict`."""
        tap = self.tap
        tap.controls = None if controls is None else self._tensors(controls)
        tap.bank = {i: self._features(layer) for i, layer in enumerate(bank)}
        tap.record = record
        try:
            with torch.inference_mode():
                context = self.context if prompted else self.empty_context
                output = self.unet(
                    self._tensor(latents),
                    self._tensor(timesteps),
                    encoder_hidden_states=context.expand(len(latents), -1, -1),
                ).sample
            return Prediction(
                output=_array(output),
                features=tuple(_recorded(tap.recorded[i]) for i in sorted(tap.recorded)),
                noun_map=self._noun_map(latents.shape) if record else None,
            )
        finally:
            tap.controls, tap.bank, tap.recorded, tap.noun_map = None, {}, {}, None

    def encode(self, pictures: Pictures) -> Latents:
        """See :meth:`hsi.runtime.appearance.Model.encode`."""
        with torch.inference_mode():
            return _array(self.codec.encode(planes_from_pictures(self._tensor(pictures))))

    def decode(self, latents: Latents) -> Pictures:
        """See :meth:`hsi.runtime.appearance.Model.decode`."""
        with torch.inference_mode():
            planes = self.codec.decode(self._tensor(latents))
            if not torch.isfinite(planes).all():
                raise QualityError(
                    "decoder: expected pixels, found NaN or infinity: its weights are of no use"
                )
            return np.asarray(pictures_from_planes(planes).cpu().numpy())

    def fingerprint(self) -> str:
        """See :meth:`hsi.runtime.appearance.Model.fingerprint`."""
        return self._fingerprint

    @cached_property
    def _fingerprint(self) -> str:
        told = {**asdict(self.schedule), "free_u": self.free_u, "nouns": self.noun_tokens}
        digest = hashlib.sha256(json.dumps(told, sort_keys=True).encode())
        state = self.unet.state_dict()
        for tensor in (*(state[name] for name in sorted(state)), self.context, self.empty_context):
            digest.update(tensor.detach().float().cpu().contiguous().numpy().data)
        return digest.hexdigest()

    def _open_attention(self) -> None:
        for number, found in enumerate(decoder_layers(self.unet)):
            found.module.set_processor(CrossImageProcessor(self.tap, number, found.layer.group))
        layer = noun_layer(self.unet)
        if layer is not None and self.noun_tokens:
            layer.set_processor(NounProcessor(self.tap, self.noun_tokens))

    def _noun_map(self, shape: tuple[int, ...]) -> npt.NDArray[np.float32] | None:
        if self.tap.noun_map is None:
            return None
        return _array(self.tap.noun_map).reshape(shape[0], shape[2] // 2, shape[3] // 2)

    def _tensors(self, controls: Controls) -> TensorControls:
        flat = bool((controls.contrast == 1).all())
        return TensorControls(
            kv_index=self._tensor(controls.kv_index),
            contrast=None if flat else self._tensor(controls.contrast),
            temperature=self._tensor(controls.temperature),
            query_weight=self._tensor(controls.query_weight),
            clip=torch.tensor(float(controls.clip), device=self.unet.device),
            renormalise=torch.tensor(float(controls.renormalise), device=self.unet.device),
        )

    def _features(self, layer: LayerFeatures) -> TensorFeatures:
        arrays = {"key": layer.key, "value": layer.value, "query": layer.query}
        return TensorFeatures(
            **{name: None if x is None else self._tensor(x) for name, x in arrays.items()}
        )

    def _tensor(self, array: npt.NDArray[np.generic]) -> Tensor:
        # A copy only where NumPy lends what torch may not have, such as a broadcast view.
        tensor = torch.from_numpy(np.require(array, requirements=["C", "W"]))
        kept = not tensor.is_floating_point()
        return tensor.to(self.unet.device, None if kept else self.unet.dtype)


def _no_text(unet: UNet2DConditionModel) -> Tensor:
    width = unet.config.cross_attention_dim
    width = width if isinstance(width, int) else width[0]
    return torch.zeros(1, 1, width, device=unet.device)


def _array(tensor: Tensor) -> npt.NDArray[np.float32]:
    return np.asarray(tensor.float().cpu().numpy())


def _recorded(features: TensorFeatures) -> LayerFeatures:
    assert features.key is not None and features.value is not None and features.query is not None
    return LayerFeatures(
        key=_array(features.key), value=_array(features.value), query=_array(features.query)
    )
