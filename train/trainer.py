"""The training loop: resumable to the bit, watched through a log and contact sheets."""

import copy
import logging
import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

import numpy as np
import torch
from filelock import FileLock, Timeout
from torch import Tensor

from hsi.model import StyleNetwork, VggNetwork
from hsi.model.checkpoint import (
    Checkpoint,
    load_values,
    save_checkpoint,
    written_beside,
)
from hsi.runtime.errors import OutputError, SourceError
from hsi.train.discriminator import MultiScaleDiscriminator
from hsi.train.disturbance import disturbed
from hsi.train.first_weights import FIRST_WEIGHTS, require_first_weights
from hsi.train.losses import LossNetwork, require_finite
from hsi.train.objective import Objective
from hsi.train.options import TrainOptions
from hsi.train.pictures import PictureSet, held_out_paths, planes
from hsi.train.run_log import RunLog
from hsi.train.sheet import contact_sheet, write_picture
from hsi.train.teacher import Teacher
from hsi.train.variation import degraded, flattened, varied

log = logging.getLogger(__name__)

OnStep = Callable[[int, dict[str, float]], None]

EMA_DECAY = 0.998
FIRST_PICTURES = 384  # that first weights are made from
PARTS = ("network", "average", "optimizer", "discriminator", "opponent")  # of a saved state


class Trainer:
    """One training run: pictures, networks and optimisers in memory, ready to :meth:`run`.

    What a run needs to go on lies in its run folder. So a trainer made from the same options as one
    that was interrupted takes over where that one last saved, and ends with the same weights.

    Args:
        options: The run.
        initial: The network to train, unless the run folder has one. Trained in place.

    Raises:
        SourceError: Pictures or loss network are missing or unreadable.
        OptionError: ``first_weights`` for a network that has none.
    """

    def __init__(self, options: TrainOptions, initial: StyleNetwork) -> None:
        if options.first_weights != "random":
            require_first_weights(initial.options)
        self.options = options
        torch.manual_seed(options.seed)
        held_out = held_out_paths(options.exclude) if options.exclude else []
        self.contents = PictureSet(options.content, exclude=held_out)
        self.styles = PictureSet(options.style, exclude=held_out)
        self.loss_network = LossNetwork(options.loss_network).to(options.device)
        self.objective = Objective(
            self.loss_network, options.weights, options.style_norm, options.structure_levels
        )
        self.teacher = Teacher(options.teacher, options.device) if options.teacher else None
        self.network = initial.to(options.device).train()
        if isinstance(initial, VggNetwork):  # for wide layers the faster layout
            self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
            self.loss_network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        if options.style_side_only:
            self.network.freeze_frame_path()
        self.average = copy.deepcopy(self.network).eval().requires_grad_(False)
        self.discriminator = MultiScaleDiscriminator().to(options.device)
        wanted = [p for p in self.network.parameters() if p.requires_grad]
        self.optimizer = torch.optim.Adam(wanted, lr=options.rate, fused=True)
        self.opponent = torch.optim.Adam(
            self.discriminator.parameters(), lr=1e-4, betas=(0.5, 0.999)
        )
        self.step = 0

    def run(self, on_step: OnStep | None = None, stop: Event | None = None) -> Checkpoint:
        """Train to the last step, saving as it goes.

        Args:
            on_step: Called after each step with its number and its losses by name.
            stop: Set, the run ends after the step it is at, and loses none.

        Returns:
            The running average of the weights, as written to ``options.out``.

        Raises:
            SourceError: The loss stopped being a number, or the run folder holds another run.
            OutputError: The run folder cannot be written, or another process writes to it.
            KeyboardInterrupt: ``stop`` was set; the state is saved.
        """
        folder = self.options.run_folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with FileLock(folder / ".lock", timeout=0):
                self._resume()
                if self.options.first_weights != "random" and self.step == 0:
                    self._make_first_weights()
                return self._run(RunLog(folder / "log.csv", self.step), on_step, stop)
        except (SourceError, OutputError):
            raise
        except Timeout as error:
            raise OutputError(
                f"{folder}: expected a run that nobody trains, found another process at it: "
                "wait for it, or give another --out"
            ) from error
        except OSError as error:
            raise OutputError(
                f"{folder}: expected a folder to write the run to, found "
                f"{error.strerror or error}: give another --out"
            ) from error

    def _run(self, log_: RunLog, on_step: OnStep | None, stop: Event | None) -> Checkpoint:
        with log_ as rows, ThreadPoolExecutor(1) as reader:
            coming = reader.submit(self._batch, self.step)
            while self.step < self.options.steps:
                batch = coming.result()
                coming = reader.submit(self._batch, self.step + 1)
                losses = self._train_step(*batch)
                self.step += 1
                rows.write(self.step, losses)
                if on_step:
                    on_step(self.step, losses)
                self._keep(rows)
                if stop and stop.is_set() and self.step < self.options.steps:
                    rows.flush()
                    self._save()
                    raise KeyboardInterrupt
        checkpoint = self._checkpoint()
        save_checkpoint(self.options.out, checkpoint)
        return checkpoint

    def _make_first_weights(self) -> None:
        """From the pictures of the run's first steps."""
        options = self.options
        count = -(-FIRST_PICTURES // (options.batch + options.batch // options.share))
        found = [self._batch(step)[1:] for step in range(count)]
        with self._autocast(True):
            batches = [(self._judged(c).to(options.device), s.to(options.device)) for c, s in found]
            FIRST_WEIGHTS[options.first_weights](self.network, batches)
        self.average.load_state_dict(self.network.state_dict())

    def _batch(self, step: int) -> tuple[Tensor, Tensor, Tensor]:
        """Photographs as the network sees them, the same without what degrades, and paintings."""
        options = self.options
        rng = np.random.default_rng((options.seed, step))
        side = options.style_crop or options.crop
        styles = self.styles.crops(rng, options.batch // options.share, side)
        styles = [varied(style, rng, vars(options)) for style in styles]
        contents = self.contents.crops(rng, options.batch, options.crop + 2 * options.context)
        if options.flatten:
            flat = rng.random(len(contents)) < options.flatten
            contents = [flattened(c, rng) if f else c for c, f in zip(contents, flat, strict=True)]
        seen = [degraded(c, rng) if rng.random() < options.degrade else c for c in contents]
        return planes(seen), planes(contents), planes(styles)

    def _train_step(self, seen: Tensor, clean: Tensor, styles: Tensor) -> dict[str, float]:
        options = self.options
        seen, clean, styles = (v.to(options.device) for v in (seen, clean, styles))
        rate = self._set_rate()
        if options.weights.identity:
            styles = torch.cat([self._judged(clean)[:1], styles[1:]])
        with self._autocast(self._network_autocast):
            codes = self.network.encode_style(styles).repeat_interleave(options.share, 0)
            made, _ = self.network(seen, codes)
        made = self._judged(made)
        steady = self._consistency(seen, codes, made)
        ramp = 0.05 + 0.95 * min(1.0, self.step / max(1, options.style_ramp))
        with self._autocast(True):
            target = self.objective.target(styles).repeated(options.share)
            contents, taught = self._judged(clean), self._taught(clean, styles)
            terms = self.objective.terms(made.float(), contents, target, ramp, taught) | steady
            if options.weights.adversarial:
                judged = self.discriminator.judge(made.float(), 1.0)
                terms["adversarial"] = options.weights.adversarial * ramp * judged
        total = torch.stack(list(terms.values())).sum()
        require_finite(total, self.step)
        self.optimizer.zero_grad(set_to_none=True)
        total.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 10.0)
        self.optimizer.step()
        self._follow()
        values = {name: float(term.detach()) for name, term in terms.items()}
        values["total"] = sum(values.values())
        values["discriminator"] = self._train_opponent(made.detach().float(), styles)
        return values | {"rate": rate}

    def _consistency(self, seen: Tensor, codes: Tensor, made: Tensor) -> dict[str, Tensor]:
        weight = self.options.weights.consistency
        if not weight:
            return {}
        noise = torch.Generator(seen.device).manual_seed(self.options.seed * 1_000_003 + self.step)
        with self._autocast(self._network_autocast):
            other = self._judged(disturbed(self.network, seen, codes, noise))
        return {"consistency": weight * (other - made).abs().mean()}

    def _taught(self, clean: Tensor, styles: Tensor) -> Tensor | None:
        if self.teacher is None:
            return None
        pictures = self.teacher.pictures(clean, styles, self.options.share, self._autocast(True))
        return self._judged(pictures)

    def _judged(self, pictures: Tensor) -> Tensor:
        """The crop without its context: a rim that a network could draw patterns on unpunished."""
        rim, size = self.options.context, self.options.crop
        return pictures[:, :, rim : rim + size, rim : rim + size]

    def _train_opponent(self, made: Tensor, styles: Tensor) -> float:
        if not self.options.weights.adversarial:
            return 0.0
        loss = self.discriminator.judge(styles, 1.0) + self.discriminator.judge(made, 0.0)
        self.opponent.zero_grad(set_to_none=True)
        loss.backward()
        self.opponent.step()
        return float(loss.detach())

    @property
    def _network_autocast(self) -> bool:
        """Whether bfloat16 pays for the network too: on a CPU, thin layers lose by it."""
        return self.options.device != "cpu" or isinstance(self.network, VggNetwork)

    def _autocast(self, wanted: bool) -> torch.autocast:
        device = torch.device(self.options.device).type
        enabled = wanted and self.options.precision == "bf16"
        return torch.autocast(device, dtype=torch.bfloat16, enabled=enabled)

    def _set_rate(self) -> float:
        share = self.step / (self.options.schedule or self.options.steps)
        rate = self.options.rate * (0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * share)))
        rate *= min(1.0, (self.step + 1) / 100)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        return rate

    @torch.no_grad()
    def _follow(self) -> None:
        decay = min(EMA_DECAY, (1 + self.step) / (10 + self.step))
        average: list[Tensor] = list(self.average.parameters())
        current: list[Tensor] = list(self.network.parameters())
        torch._foreach_lerp_(average, current, 1 - decay)

    def _keep(self, rows: RunLog) -> None:
        if self.step % self.options.save_every == 0 or self.step == self.options.steps:
            rows.flush()
            self._save()
        if self.step % self.options.sheet_every == 0 or self.step == self.options.steps:
            contents = self.contents.centre_crops(4, 256).to(self.options.device)
            styles = self.styles.centre_crops(6, 256).to(self.options.device)
            name = f"sheet_{self.step:06d}.jpg"
            sheet = contact_sheet(self.average, contents, styles)
            write_picture(self.options.run_folder / name, sheet)

    def _checkpoint(self) -> Checkpoint:
        provenance = {"training": self.options.to_dict(), "step": self.step}
        return Checkpoint(network=self.average, provenance=provenance)

    def _save(self) -> None:
        state: dict[str, Any] = {name: getattr(self, name).state_dict() for name in PARTS}
        state["step"] = self.step
        with written_beside(self.options.run_folder / "state.pt") as beside:
            torch.save(state, beside)
        save_checkpoint(self.options.run_folder / "latest.pt", self._checkpoint())

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
                "network's: give another --out, or remove the folder to start afresh"
            ) from error
        log.info("resuming %s at step %d", self.options.run_folder, self.step)
