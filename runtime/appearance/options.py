"""How an appearance is transferred."""

import math
from dataclasses import dataclass

from hsi.runtime.errors import OptionError

ADAINS = ("masked", "global", "off")
Range = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class TransferOptions:
    """Settings of a transfer. The defaults are this project's; `published()` has the paper's.

    Ranges are shares of the loop, which has `steps - skip` steps: `(0.15, 1.0)` acts from 15 % on,
    whatever their number. The published code counts steps instead.
    """

    steps: int = 50  # of the whole schedule
    skip: int = 16  # noisiest steps left out: more keeps more of the structure
    seed: int = 42  # of the inversion's noise
    spacing: str | None = None  # of the timesteps; None: the model's own
    inversion: bool = True  # edit-friendly DDPM; False: fixed noise, for models of few steps
    inversion_guidance: float = 1.0  # classifier-free; 1 costs half and reconstructs exactly
    keep_last_noise: bool = True  # False: the last noise map is zero, as published
    fine_range: Range = (0.15, 1.0)  # where the decoder's largest attention layers take the style
    coarse_range: Range = (0.15, 1.0)  # and those of half their size
    contrast: float = 1.67  # of the swapped attention; 1: none
    clip: bool = True  # contrasted attention to [0, 1]
    renormalise: bool = True  # rows sum to 1 again after the clip, which amplifies by up to 1.5
    temperature: float = 1.0  # multiplies the swapped logits: 1.5 sharpens without contrast
    guidance: tuple[float, float] = (2.0, 2.0)  # swap guidance, first and last step; (1, 1): off
    refresh_every: int = 0  # every so many swapped steps K and V of the structure; 0: never
    refresh_until: float = 0.6  # share of the loop
    query_blend: float = 0.0  # share of the structure's own queries: more keeps more structure
    adain: str = "masked"
    adain_range: Range = (0.3, 1.0)
    adain_at_start: bool = False  # once, on the first latents
    feather: float = 1.0  # latent pixels: Gaussian rim of masks; 0: binary, as published
    mask_time: float = 0.5  # share of the loop at which attention tells the object
    fine_masks: bool = False  # of the largest attention layer; slow
    renoise: bool = False  # without inversion: predict, then add the fixed noise again (LCM)
    shuffle_values: bool = False  # a control that must fail: the style's values, permuted
    rows: int = 8  # latents in one call of the U-Net while pictures are inverted

    def __post_init__(self) -> None:
        _check_number(self, "steps", 1, 1000)
        _check_number(self, "skip", 0, self.steps - 1)
        _check_number(self, "rows", 1, 4096)
        _check_number(self, "seed", 0, 2**32 - 1)
        _check_number(self, "refresh_every", 0, 1000)
        _check_number(self, "inversion_guidance", 0, 100)
        _check_number(self, "contrast", 0, 100)
        _check_number(self, "temperature", 0.01, 100)
        _check_number(self, "feather", 0, 100)
        for name in ("query_blend", "refresh_until", "mask_time"):
            _check_number(self, name, 0, 1)
        if self.adain not in ADAINS:
            raise OptionError(f"adain must be one of {', '.join(ADAINS)}, got {self.adain!r}")
        for name in ("fine_range", "coarse_range", "adain_range"):
            first, last = getattr(self, name)
            if not 0 <= first <= last <= 1:
                raise OptionError(
                    f"{name} must be two shares of the loop, the first not after the last, got "
                    f"{first}, {last}"
                )
        if not all(0 <= value <= 100 for value in self.guidance):
            raise OptionError(f"guidance must be from 0 to 100, got {self.guidance}")

    @property
    def loop_steps(self) -> int:
        """Steps that are made."""
        return self.steps - self.skip

    @property
    def guided(self) -> bool:
        """Whether swap guidance does anything."""
        return self.guidance != (1.0, 1.0)

    @classmethod
    def published(cls, *, seed: int = 42) -> "TransferOptions":
        """The settings of the code of arXiv 2311.03335, at commit `ee2080c`, quirks included.

        * Ranges there are absolute steps of the 68 that remain, (10, 90), (10, 70) and (20, 100),
          so their upper ends never bind; layers see the step before: the swap acts from 11 on.
        * Inversion has classifier-free guidance of 3.5 and denoising has none, so neither picture
          is reconstructed exactly; the last noise map is zero.
        * Every fifth step the structure's own K and V are used, at 11, 16, ... 36.
        * Contrast is clipped and not renormalised: rows sum to up to 1.67.
        * Masks are binary, of the 64x64 self-attention at step 20.
        * A FreeU of its own is in the U-Net: open the model with `free_u=True`.

        Not as published: noise is drawn by NumPy, so a seed gives other noise than torch's; masks
        are guarded against being empty; k-means is OpenCV's.
        """
        loop = 68
        return cls(
            steps=100,
            skip=32,
            seed=seed,
            inversion_guidance=3.5,
            keep_last_noise=False,
            fine_range=(11 / loop, 1.0),
            coarse_range=(11 / loop, 1.0),
            renormalise=False,
            guidance=(3.5, 1.75),
            refresh_every=5,
            refresh_until=41 / loop,
            adain_range=(20 / loop, 1.0),
            feather=0.0,
            mask_time=20 / loop,
            fine_masks=True,
        )

    @classmethod
    def few_step(cls, steps: int = 4, *, seed: int = 42) -> "TransferOptions":
        """For distilled models: no inversion, noise of a fixed seed, and nothing that costs a row.

        The noisiest quarter of the schedule or more is skipped, so that noise leaves something of
        the structure. Not tried on the weights of a distilled model.
        """
        skip = max(1, round(steps / 3))
        return cls(
            steps=steps + skip,
            skip=skip,
            seed=seed,
            spacing="trailing",
            inversion=False,
            fine_range=(0.0, 1.0),
            coarse_range=(0.0, 1.0),
            contrast=1.0,
            temperature=1.5,
            guidance=(1.0, 1.0),
            adain_range=(1.0, 1.0),
            adain_at_start=True,
        )


def _check_number(options: TransferOptions, name: str, least: float, most: float) -> None:
    value = getattr(options, name)
    if not math.isfinite(value) or not least <= value <= most:
        raise OptionError(f"{name} must be from {least:g} to {most:g}, got {value:g}")
