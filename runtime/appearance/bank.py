"""The K/V bank: an appearance, encoded once, for any number of structures."""

from collections.abc import Collection, Sequence

from hsi.runtime.appearance.adain import Masks
from hsi.runtime.appearance.denoiser import Model, StepFeatures
from hsi.runtime.appearance.encoding import encode_appearance
from hsi.runtime.appearance.options import TransferOptions
from hsi.runtime.appearance.plan import plan
from hsi.runtime.appearance.schedule import Latents
from hsi.runtime.errors import OptionError


class Bank:
    """Keys, values and latents of A appearances at each of K steps. Never written to.

    Args:
        fingerprint: Of the model that made it.
        timesteps: K of them, noisiest first.
        latents: `(K + 1, A, C, h, w)`, the pictures themselves last.
        masks: `(A, h, w)`.
        features: For each step and layer, `key` and `value` as `(A, T, C)`, where they are needed.
        kept: The steps and layers that have them, so that nobody reads a file to ask.
    """

    def __init__(
        self,
        *,
        fingerprint: str,
        timesteps: Sequence[int],
        latents: Latents,
        masks: Masks,
        features: Sequence[StepFeatures],
        kept: Collection[tuple[int, int]],
    ) -> None:
        self.fingerprint = fingerprint
        self.timesteps = tuple(timesteps)
        self.latents = latents
        self.masks = masks
        self.features = features
        self.kept = frozenset(kept)

    def __len__(self) -> int:
        """Appearances."""
        return len(self.masks)

    def check(self, model: Model, options: TransferOptions, structures: Latents) -> None:
        """Whether it fits a transfer.

        Raises:
            OptionError: It is another model's, of other steps, or of another size.
        """
        if self.fingerprint != model.fingerprint():
            raise OptionError(
                f"bank: expected one of model {model.fingerprint()[:12]}, found one of "
                f"{self.fingerprint[:12]}: encode the appearance with this model"
            )
        steps = plan(model.schedule, options)
        if self.timesteps != tuple(planned.step.timestep for planned in steps):
            raise OptionError(
                f"bank: expected {len(steps)} steps from timestep {steps[0].step.timestep}, found "
                f"{len(self.timesteps)} from {self.timesteps[0]}: encode the appearance with these "
                "options"
            )
        for planned in steps:
            self._check_swapped(model, planned.number, planned.swapped, planned.refreshed)
        if structures.shape[1:] != self.latents.shape[2:]:
            raise OptionError(
                f"bank: expected latents of {structures.shape[1:]}, found "
                f"{self.latents.shape[2:]}: bring both pictures to one size"
            )

    def _check_swapped(
        self, model: Model, step: int, swapped: tuple[bool, bool], refreshed: bool
    ) -> None:
        for number, layer in enumerate(model.layers):
            if swapped[layer.group] and not refreshed and (step, number) not in self.kept:
                raise OptionError(
                    f"bank: expected keys of {layer.name} at step {step}, found none: encode the "
                    "appearance with these options"
                )


def make_bank(
    model: Model, latents: Latents, options: TransferOptions, *, masks: Masks | None = None
) -> Bank:
    """Encode appearances.

    Args:
        model: Whose U-Net.
        latents: `(A, C, h, w)` float32.
        options: Those of the transfer.
        masks: `(A, h, w)` float32 of the objects, of latent size; None: found by the U-Net's
            attention, if needed.

    Returns:
        A bank for structures of the same size.

    Raises:
        OptionError: A mask is empty or of another size, or the model lacks what options ask for.
        QualityError: The U-Net gives NaN.
    """
    encoding = encode_appearance(model, latents, options, masks)
    steps = plan(model.schedule, options)
    return Bank(
        fingerprint=model.fingerprint(),
        timesteps=[planned.step.timestep for planned in steps],
        latents=encoding.trajectory.latents,
        masks=encoding.masks,
        features=encoding.features,
        kept=[
            (step, number)
            for step, layers in enumerate(encoding.features)
            for number, layer in enumerate(layers)
            if layer.value is not None
        ],
    )
