"""Training of the glyph denoiser: resumable to the bit, watched through a log and samples."""

import copy
import logging
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from diffusers import UNet2DConditionModel
from torch import Tensor

from hsi.appearance.glyphs.denoiser import (
    TRAIN_STEPS,
    Diffusion,
    build_unet,
    latents_from_scenes,
    weights_from_scenes,
)
from hsi.appearance.glyphs.options import GlyphTrainOptions
from hsi.appearance.glyphs.purity import attention_purity
from hsi.appearance.glyphs.samples import sample_sheet
from hsi.appearance.glyphs.scenes import draw_scenes
from hsi.model.checkpoint import load_values, written_beside
from hsi.runtime.errors import OutputError, SourceError

log = logging.getLogger(__name__)

EMA_DECAY = 0.998
TIME_SKEW = 1.25  # timesteps are a uniform number to this power: in the noisiest nothing shows
PARTS = ("unet", "average", "optimizer")  # of a saved state
COLUMNS = "step,loss,rate,purity_first,purity_last"


class GlyphTrainer:
    """One training run, in memory and ready to :meth:`run`.

    A trainer made from the same options as one that was interrupted takes over where that one last
    saved, and ends with the same weights.
    """

    def __init__(self, options: GlyphTrainOptions) -> None:
        self.options = options
        torch.manual_seed(options.seed)
        self.unet = build_unet().train()
        self.average = copy.deepcopy(self.unet).eval().requires_grad_(False)
        self.optimizer = torch.optim.AdamW(self.unet.parameters(), lr=options.rate, fused=True)
        self.diffusion = Diffusion()
        self.step = 0
        self._losses: list[float] = []

    def run(self, on_step: Callable[[int, float], None] | None = None) -> UNet2DConditionModel:
        """Train to the last step, saving as it goes.

        Args:
            on_step: Called after each step with its number and its loss.

        Returns:
            The running average of the weights.

        Raises:
            SourceError: The loss stopped being a number, or the run folder holds another run.
            OutputError: The run folder cannot be written.
        """
        folder = self.options.run_folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._resume()
            while self.step < self.options.steps:
                loss = self._train_step()
                if on_step:
                    on_step(self.step, loss)
                self._keep()
        except (SourceError, OutputError):
            raise
        except OSError as error:
            raise OutputError(
                f"{folder}: expected a folder to write the run to, found "
                f"{error.strerror or error}: give another -o"
            ) from error
        return self.average

    def _train_step(self) -> float:
        rate = self._set_rate()
        loss = self.diffusion.loss(self.unet, *self._batch()).mean()
        value = float(loss.detach())
        if not math.isfinite(value):
            raise SourceError(
                f"step {self.step}: expected a loss, found {value}: lower --rate and start afresh"
            )
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.unet.parameters(), 1.0)
        self.optimizer.step()
        self._follow()
        self.step += 1
        self._losses.append(value)
        if self.step % 100 == 0:
            log.info("step %d: loss %.4f, rate %.2g", self.step, np.mean(self._losses[-100:]), rate)
        return value

    def _batch(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Latents, timesteps, noise and weights."""
        rng = np.random.default_rng((self.options.seed, self.step))
        scenes = draw_scenes(self.options.batch, rng)
        latents = latents_from_scenes(scenes)
        t = (TRAIN_STEPS * rng.random(self.options.batch) ** TIME_SKEW).astype(np.int64)
        noise = rng.standard_normal(latents.shape, np.float32)
        weights = weights_from_scenes(scenes)
        return latents, torch.from_numpy(t), torch.from_numpy(noise), weights

    def _set_rate(self) -> float:
        share = self.step / self.options.steps
        rate = self.options.rate * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * share)))
        rate *= min(1.0, (self.step + 1) / 100)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        return rate

    @torch.no_grad()
    def _follow(self) -> None:
        decay = min(EMA_DECAY, (1 + self.step) / (10 + self.step))
        average: list[Tensor] = list(self.average.parameters())
        current: list[Tensor] = list(self.unet.parameters())
        torch._foreach_lerp_(average, current, 1 - decay)

    def _keep(self) -> None:
        last = self.step == self.options.steps
        if self.step % self.options.save_every == 0 or last:
            self._log_row()
            self._save()
        if self.step % self.options.sheet_every == 0 or last:
            sample_sheet(self.average, self.options.run_folder / f"samples_{self.step:06d}.png")

    def _log_row(self) -> None:
        """Add one row to ``log.csv``; rows of later steps, of a killed run, are dropped."""
        path = self.options.run_folder / "log.csv"
        rows = path.read_text().splitlines()[1:] if path.is_file() else []
        rows = [row for row in rows if int(row.split(",")[0]) < self.step]
        purity = [p.ratio for p in attention_purity(self.average).values()]
        rate = self.optimizer.param_groups[0]["lr"]
        loss = np.mean(self._losses[-self.options.save_every :])
        rows.append(f"{self.step},{loss:.5f},{rate:.3g},{purity[0]:.3f},{purity[-1]:.3f}")
        with written_beside(path) as beside:
            beside.write_text("\n".join([COLUMNS, *rows]) + "\n")

    def _save(self) -> None:
        state: dict[str, Any] = {name: getattr(self, name).state_dict() for name in PARTS}
        with written_beside(self.options.run_folder / "state.pt") as beside:
            torch.save(state | {"step": self.step}, beside)

    def _resume(self) -> None:
        path = self.options.run_folder / "state.pt"
        if not path.is_file():
            return
        try:
            state = load_values(path)
            for name in PARTS:
                getattr(self, name).load_state_dict(state[name])
            self.step = int(state["step"])
        except (SourceError, RuntimeError, ValueError, KeyError, TypeError) as error:
            raise SourceError(
                f"{path}: expected the state of this run, found a damaged one or another "
                "network's: give another -o, or remove the folder to start afresh"
            ) from error
        log.info("resuming %s at step %d", self.options.run_folder, self.step)
