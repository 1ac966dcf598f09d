"""The three graphs of a cross-image bundle, as modules whose borders are tensors alone."""

from torch import Tensor, nn

from hsi.appearance import DiffusionModel
from hsi.appearance.codec import pictures_from_planes, planes_from_pictures
from hsi.appearance.processor import TensorControls, TensorFeatures
from hsi.runtime.appearance.manifest import KINDS


class EncoderGraph(nn.Module):
    """Pictures `(N, H, W, 3)` uint8 BGR to latents `(N, C, h, w)` float32."""

    def __init__(self, model: DiffusionModel) -> None:
        super().__init__()
        self._codec = model.codec
        self.held = nn.ModuleList(model.codec.modules())

    def forward(self, pictures: Tensor) -> Tensor:
        """See the class."""
        return self._codec.encode(planes_from_pictures(pictures))


class DecoderGraph(nn.Module):
    """And back."""

    def __init__(self, model: DiffusionModel) -> None:
        super().__init__()
        self._codec = model.codec
        self.held = nn.ModuleList(model.codec.modules())

    def forward(self, latents: Tensor) -> Tensor:
        """See the class."""
        return pictures_from_planes(self._codec.decode(latents))


class UnetGraph(nn.Module):
    """One U-Net for recording and for transfer: which it does is in its inputs."""

    def __init__(self, model: DiffusionModel) -> None:
        super().__init__()
        self._model = model
        self.unet = model.unet

    def forward(
        self,
        latents: Tensor,
        timesteps: Tensor,
        context: Tensor,
        kv_index: Tensor,
        contrast: Tensor,
        temperature: Tensor,
        query_weight: Tensor,
        clip: Tensor,
        renormalise: Tensor,
        *foreign: Tensor,
    ) -> tuple[Tensor, ...]:
        """The prediction, each layer's own key, value and query, and the noun map if there is one.

        Args:
            latents: `(N, C, h, w)`.
            timesteps: `(N,)` int64.
            context: `(N, L, D)`.
            kv_index: `(2, N)` int64.
            contrast: `(2, N)`.
            temperature: `(2, N)`.
            query_weight: `(2, N)`.
            clip: Scalar.
            renormalise: Scalar.
            foreign: For each layer, key and value `(M, T, C)`, and queries `(N, T, C)`.
        """
        tap = self._model.tap
        tap.controls = TensorControls(
            kv_index=kv_index,
            contrast=contrast,
            temperature=temperature,
            query_weight=query_weight,
            clip=clip,
            renormalise=renormalise,
        )
        kinds = len(KINDS)
        tap.bank = {
            i: TensorFeatures(**dict(zip(KINDS, foreign[i * kinds : (i + 1) * kinds], strict=True)))
            for i in range(len(self._model.layers))
        }
        tap.record = True
        try:
            output = self.unet(latents, timesteps, encoder_hidden_states=context).sample
            own = [tap.recorded[i] for i in range(len(self._model.layers))]
            outputs = [output, *(getattr(one, kind) for one in own for kind in KINDS)]
            if tap.noun_map is not None:
                rows, _, height, width = latents.shape
                outputs.append(tap.noun_map.reshape(rows, height // 2, width // 2))
            return tuple(outputs)
        finally:
            tap.controls, tap.bank, tap.recorded, tap.noun_map = None, {}, {}, None
            tap.record = False
