"""The noise of a diffusion model over time, and the arithmetic of one step, in plain numbers."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from hsi.runtime.errors import OptionError

Latents = npt.NDArray[np.float32]
"""`(N, C, h, w)` float32: pictures as the U-Net has them."""

BETAS = ("linear", "scaled_linear", "squaredcos_cap_v2")
PREDICTIONS = ("epsilon", "v_prediction", "sample")
SPACINGS = ("leading", "trailing")


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step of the denoising: from `timestep` to the next cleaner one."""

    timestep: int
    alpha: float  # share of the picture in the variance at `timestep`: alphas_cumprod there
    alpha_next: float  # after the step

    @property
    def variance(self) -> float:
        """Variance of the noise that a DDPM step (eta = 1) adds: DDIM, equation 16."""
        return (1 - self.alpha_next) / (1 - self.alpha) * max(0.0, 1 - self.alpha / self.alpha_next)

    @property
    def sigma(self) -> np.float32:
        """Standard deviation of it."""
        return _root(self.variance)

    def noisy(self, clean: Latents, noise: Latents) -> Latents:
        """Latents at this step's timestep: `sqrt(alpha) clean + sqrt(1 - alpha) noise`."""
        return clean * _root(self.alpha) + noise * _root(1 - self.alpha)

    def noisy_next(self, clean: Latents, noise: Latents) -> Latents:
        """Latents after the step, of a picture under fresh noise: how consistency models go on."""
        return clean * _root(self.alpha_next) + noise * _root(1 - self.alpha_next)

    def noise_from(self, output: Latents, latents: Latents, prediction: str) -> Latents:
        """The noise in `latents`, by what a U-Net of this kind of `prediction` gave for them."""
        signal, rest = _root(self.alpha), _root(1 - self.alpha)
        if prediction == "v_prediction":
            return output * signal + latents * rest
        if prediction == "sample":
            return (latents - output * signal) * _root(1 / (1 - self.alpha))
        return output

    def clean(self, latents: Latents, noise: Latents) -> Latents:
        """The picture in `latents`, should `noise` be what is in them."""
        return (latents - noise * _root(1 - self.alpha)) * _root(1 / self.alpha)

    def mean(self, latents: Latents, noise: Latents, *, eta: float = 1.0) -> Latents:
        """Latents after the step, before fresh noise: DDIM's equation 12.

        Args:
            latents: At `timestep`.
            noise: What is in them.
            eta: 1 for DDPM, whose `sigma` times noise is still to be added; 0 for DDIM.
        """
        direction = _root(max(0.0, 1 - self.alpha_next - eta**2 * self.variance))
        return self.clean(latents, noise) * _root(self.alpha_next) + noise * direction


@dataclass(frozen=True, kw_only=True)
class NoiseSchedule:
    """How noisy a model's training pictures were, and what its U-Net predicts.

    The defaults are those of Stable Diffusion 1.x. Names in brackets are diffusers'.
    """

    train_steps: int = 1000  # num_train_timesteps
    beta_start: float = 0.00085
    beta_end: float = 0.012
    beta_schedule: str = "scaled_linear"
    steps_offset: int = 1
    clean_at_end: bool = False  # set_alpha_to_one
    prediction: str = "epsilon"  # prediction_type
    spacing: str = "leading"  # timestep_spacing

    def __post_init__(self) -> None:
        for name, known in (
            ("beta_schedule", BETAS),
            ("prediction", PREDICTIONS),
            ("spacing", SPACINGS),
        ):
            if getattr(self, name) not in known:
                raise OptionError(
                    f"schedule: expected {name} to be one of {', '.join(known)}, found "
                    f"{getattr(self, name)!r}: no such model is known here"
                )
        if not 0 < self.beta_start <= self.beta_end < 1 or self.train_steps < 2:
            raise OptionError(
                "schedule: expected betas from above 0 to below 1 and at least 2 steps, found "
                f"{self.beta_start} to {self.beta_end} in {self.train_steps}"
            )

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> "NoiseSchedule":
        """The schedule in a diffusers `scheduler_config.json`.

        Where `timestep_spacing` is missing it is "leading", as the published code has it, whatever
        the class of the scheduler; "linspace", which that code never uses, counts as "leading".

        Raises:
            OptionError: The schedule is one that has no noise-free part, or is none.
        """
        if config.get("rescale_betas_zero_snr") or config.get("trained_betas") is not None:
            raise OptionError(
                "schedule: expected betas by formula, found trained ones or rescaled to zero SNR: "
                "take another model"
            )
        spacing = config.get("timestep_spacing", "leading")
        try:
            return cls(
                train_steps=int(config.get("num_train_timesteps", 1000)),
                beta_start=float(config.get("beta_start", 0.0001)),
                beta_end=float(config.get("beta_end", 0.02)),
                beta_schedule=str(config.get("beta_schedule", "linear")),
                steps_offset=int(config.get("steps_offset", 0)),
                clean_at_end=bool(config.get("set_alpha_to_one", False)),
                prediction=str(config.get("prediction_type", "epsilon")),
                spacing="trailing" if spacing == "trailing" else "leading",
            )
        except (TypeError, ValueError) as error:
            raise OptionError(f"schedule: expected numbers, found others: {error}") from error

    def to_config(self) -> dict[str, Any]:
        """The same as diffusers' DDIM scheduler has it."""
        return {
            "_class_name": "DDIMScheduler",
            "num_train_timesteps": self.train_steps,
            "beta_start": self.beta_start,
            "beta_end": self.beta_end,
            "beta_schedule": self.beta_schedule,
            "clip_sample": False,
            "set_alpha_to_one": self.clean_at_end,
            "steps_offset": self.steps_offset,
            "prediction_type": self.prediction,
            "timestep_spacing": self.spacing,
        }

    @cached_property
    def alphas(self) -> npt.NDArray[np.float64]:
        """`alphas_cumprod`: `(train_steps,)`, falling."""
        start, end, count = self.beta_start, self.beta_end, self.train_steps
        if self.beta_schedule == "linear":
            betas = np.linspace(start, end, count)
        elif self.beta_schedule == "scaled_linear":
            betas = np.linspace(start**0.5, end**0.5, count) ** 2
        else:
            bars = np.cos((np.arange(count + 1) / count + 0.008) / 1.008 * np.pi / 2) ** 2
            betas = np.minimum(1 - bars[1:] / bars[:-1], 0.999)
        return np.asarray(np.cumprod(1 - betas))

    def steps(self, count: int, *, spacing: str | None = None) -> tuple[Step, ...]:
        """The steps of a denoising in `count` steps, from noise to picture.

        Args:
            count: From 1 to `train_steps`.
            spacing: "leading" or "trailing"; None: the model's own.

        Raises:
            OptionError: The count is out of range.
        """
        if not 1 <= count <= self.train_steps - self.steps_offset:
            raise OptionError(
                f"steps must be from 1 to {self.train_steps - self.steps_offset}, got {count}"
            )
        if (spacing or self.spacing) == "trailing":
            times = np.round(np.arange(self.train_steps, 0, -self.train_steps / count))[:count] - 1
        else:
            stride = self.train_steps // count
            times = (np.arange(count) * stride)[::-1] + self.steps_offset
        last = 1.0 if self.clean_at_end else float(self.alphas[0])
        alphas = [float(self.alphas[int(time)]) for time in times]
        # A model may end at timestep 0 itself: nothing is left to do there, and nothing to divide.
        following = [max(a, b) for a, b in zip(alphas, [*alphas[1:], last], strict=True)]
        return tuple(
            Step(timestep=int(t), alpha=a, alpha_next=b)
            for t, a, b in zip(times, alphas, following, strict=True)
        )


def _root(value: float) -> np.float32:
    # A NumPy scalar of this type keeps latents float32 in every version of NumPy.
    return np.float32(math.sqrt(value))
