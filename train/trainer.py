"""The training loop: resumable to the bit, watched through a log and contact sheets."""

import copy
import csv
import logging
import math
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import torch
from torch import Tensor

from hsi.model import NetworkOptions, StyleNetwork, build_network
from hsi.model.checkpoint import Checkpoint, load_tensors, save_checkpoint
from hsi.model.network import EdgeNetwork, VggNetwork
from hsi.train.discriminator import MultiScaleDiscriminator
from hsi.train.losses import LossNetwork, content_loss, grey, require_finite, style_loss
from hsi.train.options import TrainOptions
from hsi.train.pictures import PictureSet, held_out_paths
from hsi.train.sheet import contact_sheet, write_picture

log = logging.getLogger(__name__)

EMA_DECAY = 0.998
COLUMNS = ("step", "total", "style", "content", "grey_content", "adversarial", "identity", "discriminator", "rate")


class Trainer:
    """One run, from its options. Use it as ``Trainer(...).run()``; a second one resumes the first.

    Raises:
        SourceError: Pictures or loss network are missing or unreadable.
    """

    def __init__(self, options: TrainOptions, initial: StyleNetwork) -> None:
        self.options = options
        torch.manual_seed(options.seed)
        held_out = held_out_paths(options.exclude) if options.exclude else []
        self.contents = PictureSet(options.content, exclude=held_out)
        self.styles = PictureSet(options.style, exclude=held_out)
        self.loss_network = LossNetwork(options.loss_network).to(options.device)
        self.network = initial.to(options.device).train()
        self.average = copy.deepcopy(self.network).eval().requires_grad_(False)
        self.discriminator = MultiScaleDiscriminator().to(options.device)
        wanted = [p for p in self.network.parameters() if p.requires_grad]
        self.optimizer = torch.optim.Adam(wanted, lr=options.rate, fused=True)
        self.opponent = torch.optim.Adam(
            self.discriminator.parameters(), lr=1e-4, betas=(0.5, 0.999)
        )
        self.step = 0

    def run(self, on_step: Callable[[int, dict[str, float]], None] | None = None) -> Checkpoint:
        """Train to the last step, saving as it goes; return the averaged network.

        Raises:
            SourceError: The loss stopped being a number.
        """
        self.options.run_folder.mkdir(parents=True, exist_ok=True)
        self._resume()
        with _Log(self.options, self.step) as rows, ThreadPoolExecutor(1) as reader:
            coming = reader.submit(self._batch, self.step)
            while self.step < self.options.steps:
                contents, styles = coming.result()
                coming = reader.submit(self._batch, self.step + 1)
                losses = self._train_step(contents, styles)
                self.step += 1
                rows.write(self.step, losses)
                if on_step:
                    on_step(self.step, losses)
                self._keep()
        checkpoint = self._checkpoint()
        save_checkpoint(self.options.out, checkpoint)
        return checkpoint

    def _batch(self, step: int) -> tuple[Tensor, Tensor]:
        rng = np.random.default_rng((self.options.seed, step))
        crop, count = self.options.crop, self.options.batch
        return self.contents.crops(rng, count, crop), self.styles.crops(rng, count, crop)

    def _train_step(self, contents: Tensor, styles: Tensor) -> dict[str, float]:
        options = self.options
        contents, styles = contents.to(options.device), styles.to(options.device)
        rate = self._set_rate()
        if options.weights.identity:
            styles = torch.cat([contents[:1], styles[1:]])
        with self._autocast(options.device != "cpu"):
            made, _ = self.network(contents, self.network.encode_style(styles))
        terms = self._losses(made.float(), contents, styles)
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

    def _losses(self, made: Tensor, contents: Tensor, styles: Tensor) -> dict[str, Tensor]:
        """The weighted terms of the paper's loss."""
        weights = self.options.weights
        ramp = 0.05 + 0.95 * min(1.0, self.step / max(1, self.options.style_ramp))
        with self._autocast(True):
            with torch.no_grad():
                wanted_style = self.loss_network(styles)
                wanted = self.loss_network(self._with_grey(contents))[-1]
            levels = self.loss_network(self._with_grey(made))
        count = len(made)
        terms = {
            "style": weights.style * ramp * style_loss([v[:count] for v in levels], wanted_style),
            "content": weights.content * content_loss(levels[-1][:count], wanted[:count]),
        }
        if weights.grey_content:
            terms["grey_content"] = weights.grey_content * content_loss(
                levels[-1][count:], wanted[count:]
            )
        if weights.identity:
            terms["identity"] = weights.identity * (made[0] - contents[0]).abs().mean()
        if weights.adversarial:
            terms["adversarial"] = weights.adversarial * ramp * self.discriminator.judge(made, 1.0)
        return terms

    def _with_grey(self, pictures: Tensor) -> Tensor:
        if not self.options.weights.grey_content:
            return pictures
        return torch.cat([pictures, grey(pictures)])

    def _train_opponent(self, made: Tensor, styles: Tensor) -> float:
        if not self.options.weights.adversarial:
            return 0.0
        loss = self.discriminator.judge(styles, 1.0) + self.discriminator.judge(made, 0.0)
        self.opponent.zero_grad(set_to_none=True)
        loss.backward()
        self.opponent.step()
        return float(loss.detach())

    def _autocast(self, wanted: bool) -> torch.autocast:
        device = torch.device(self.options.device).type
        enabled = wanted and self.options.precision == "bf16"
        return torch.autocast(device, dtype=torch.bfloat16, enabled=enabled)

    def _set_rate(self) -> float:
        share = self.step / self.options.steps
        rate = self.options.rate * (0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * share)))
        rate *= min(1.0, (self.step + 1) / 100)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        return rate

    @torch.no_grad()
    def _follow(self) -> None:
        decay = min(EMA_DECAY, (1 + self.step) / (10 + self.step))
        average, current = list(self.average.parameters()), list(self.network.parameters())
        torch._foreach_lerp_(average, current, 1 - decay)

    def _keep(self) -> None:
        if self.step % self.options.save_every == 0 or self.step == self.options.steps:
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
        state = {
            "step": self.step,
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "discriminator": self.discriminator.state_dict(),
            "opponent": self.opponent.state_dict(),
        }
        beside = self.options.run_folder / ".state.part"
        torch.save(state, beside)
        os.replace(beside, self.options.run_folder / "state.pt")
        save_checkpoint(self.options.run_folder / "latest.pt", self._checkpoint())

    def _resume(self) -> None:
        path = self.options.run_folder / "state.pt"
        if not path.is_file():
            return
        state = torch.load(path, map_location=self.options.device, weights_only=True)
        for name in ("network", "average", "optimizer", "discriminator", "opponent"):
            getattr(self, name).load_state_dict(state[name])
        self.step = int(state["step"])
        log.info("resuming %s at step %d", self.options.run_folder, self.step)


class _Log:
    """``log.csv``: one row a step; rows after the step resumed from are dropped."""

    def __init__(self, options: TrainOptions, step: int) -> None:
        path = options.run_folder / "log.csv"
        kept: list[str] = []
        if path.is_file() and step:
            kept = path.read_text().splitlines()[1 : step + 1]
        self._file = path.open("w", newline="")
        self._file.write(",".join(COLUMNS) + "\n" + "".join(row + "\n" for row in kept))
        self._writer = csv.DictWriter(self._file, COLUMNS, restval=0.0, extrasaction="ignore")

    def write(self, step: int, values: dict[str, float]) -> None:
        rounded = {name: f"{value:.6g}" for name, value in values.items()}
        self._writer.writerow({"step": step, **rounded})
        if step % 20 == 0:
            self._file.flush()

    def __enter__(self) -> "_Log":
        return self

    def __exit__(self, *_: Any) -> None:
        self._file.close()


def fresh_network(options: NetworkOptions, vgg: Any, seed: int) -> StyleNetwork:
    """A new network with its frozen VGG filled in.

    Args:
        options: Which.
        vgg: Path of the frozen encoder's weights: the miniature for hsi-edge, VGG-19 for hsi-vgg.
        seed: Of the other weights.

    Raises:
        SourceError: The file is missing or holds the other VGG.
    """
    torch.manual_seed(seed)
    network = build_network(options)
    assert isinstance(network, (EdgeNetwork, VggNetwork))
    encoder = network.style_encoder if isinstance(network, EdgeNetwork) else network.encoder
    encoder.load_convs(load_tensors(vgg), vgg.name)
    return network
