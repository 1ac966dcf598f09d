"""Time, peak memory and forwards of a transfer, with an appearance encoded once and without.

    python -m bench.appearance_bank [--side 32] [--steps 20] [--rounds 3] [--json]

The U-Net has random weights and attention as Stable Diffusion has it, on latents of `--side`; a
third of the steps is skipped. Ways are timed in turn in one process; peak memory is that of a fresh
process each, less what it held before. "whole batch" is the published loop: guided inversion of the
whole schedule, one row at a time, then four rows a step, which stand for its two passes of three.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import torch
from diffusers import UNet2DConditionModel

from bench.full_batch import invert_both, transfer_full_batch
from bench.interleaved import Run, interleaved
from bench.linear_cost import memory_mib
from hsi.appearance import DiffusionModel, PixelCodec
from hsi.runtime.appearance import NoiseSchedule, TransferOptions, make_bank, transfer

WAYS = ("whole batch", "bank and one picture", "one picture more")


def main() -> None:
    """Measure and print, or measure one way's memory in a process of its own."""
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    p.add_argument("--side", type=int, default=32)
    p.add_argument("--steps", type=int, default=20)
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--json", action="store_true")
    p.add_argument("--peak", choices=WAYS, help=argparse.SUPPRESS)
    args = p.parse_args()
    if args.peak:
        print(peak_mib(args.side, args.steps, args.peak))
        return
    rows = measure(args.side, args.steps, args.rounds)
    print(json.dumps(rows, indent=1) if args.json else table(rows))


def measure(side: int, steps: int, rounds: int) -> dict[str, dict[str, float]]:
    """Seconds, MiB and forwards by way."""
    bench = _Bench(side, steps)
    timings = interleaved(bench.runs(), rounds)
    return {
        name: {
            "s": round(timings[name].median_ms / 1e3, 2),
            "peak_mib": _peak_in_a_process(side, steps, name),
            "forwards": bench.forwards(name),
        }
        for name in WAYS
    }


def table(rows: dict[str, dict[str, float]]) -> str:
    """The rows as text."""
    lines = [f"{'':24s} {'s':>8s} {'peak MiB':>9s} {'forwards':>9s}"]
    for name, row in rows.items():
        lines.append(f"{name:24s} {row['s']:8.2f} {row['peak_mib']:9.0f} {row['forwards']:9.0f}")
    return "\n".join(lines)


def peak_mib(side: int, steps: int, name: str) -> float:
    """MiB that this process takes for one run."""
    bench = _Bench(side, steps)
    run = bench.runs()[name]
    Path("/proc/self/clear_refs").write_text("5")  # Linux forgets a peak when told 5
    before = memory_mib("VmRSS")
    run()
    return round(memory_mib("VmHWM") - before, 1)


class _Bench:
    def __init__(self, side: int, steps: int) -> None:
        torch.manual_seed(0)
        unet = UNet2DConditionModel(
            sample_size=side,
            block_out_channels=(64, 128, 128),
            down_block_types=("CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"),
            up_block_types=("UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"),
            layers_per_block=2,
            cross_attention_dim=64,
            attention_head_dim=8,
        )
        self._model = DiffusionModel(unet=unet, schedule=NoiseSchedule(), codec=PixelCodec())
        self._options = TransferOptions(steps=steps, skip=round(0.32 * steps), adain="global")
        rng = np.random.default_rng(0)
        self._pair = rng.standard_normal((2, 1, 4, side, side), np.float32)
        self._bank = make_bank(self._model, self._pair[1], self._options)
        self._rows = 0
        unet.register_forward_pre_hook(self._count)

    def runs(self) -> dict[str, Run]:
        """What is compared."""
        return dict(zip(WAYS, (self._whole_batch, self._with_bank, self._one_more), strict=True))

    def forwards(self, name: str) -> int:
        """Rows that one run puts through the U-Net."""
        self._rows = 0
        self.runs()[name]()
        return self._rows

    def _count(self, module: torch.nn.Module, args: tuple[torch.Tensor, ...]) -> None:
        self._rows += len(args[0])

    def _whole_batch(self) -> object:
        options = _guided(self._options)
        structure, appearance = self._pair
        paths = invert_both(self._model, structure, appearance, options)
        masks = self._bank.masks
        return transfer_full_batch(self._model, self._bank, paths, masks, options)

    def _with_bank(self) -> object:
        bank = make_bank(self._model, self._pair[1], self._options)
        return transfer(self._model, bank, self._pair[0], self._options)

    def _one_more(self) -> object:
        return transfer(self._model, self._bank, self._pair[0], self._options)


def _guided(options: TransferOptions) -> TransferOptions:
    return TransferOptions(
        steps=options.steps,
        skip=options.skip,
        inversion_guidance=3.5,
        adain="global",
    )


def _peak_in_a_process(side: int, steps: int, name: str) -> float:
    command = [sys.executable, "-m", "bench.appearance_bank", "--peak", name]
    command += ["--side", str(side), "--steps", str(steps)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return float(done.stdout)


if __name__ == "__main__":
    main()
