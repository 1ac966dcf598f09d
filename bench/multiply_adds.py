"""What networks compute: multiply-adds of convolutions and matrix products, and weights.

    python -m bench.multiply_adds weights/hsi-edge.pt weights/hsi-vgg.pt [--size 512x512] [--json]

Counted by torch, on tensors without memory. What is done number by number, as norms, sigmoids and
the palette, is not among them.
"""

import argparse
import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch.utils.flop_counter import FlopCounterMode

from bench.size_argument import size_argument
from hsi.model import StyleNetwork
from hsi.model.checkpoint import load_checkpoint
from hsi.runtime.errors import HsiError
from hsi.runtime.uri import size_from_text


@dataclass(frozen=True, kw_only=True)
class Arithmetic:
    """Of one network, at one size of frame and of style."""

    network: str
    frame_gmac: float  # the frame path, 10^9 multiply-adds a frame
    kmac_per_pixel: float
    style_gmac: float  # once for each style
    weights: int
    code_bytes: int


def main() -> int:
    """Count and print."""
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    p.add_argument("checkpoint", type=Path, nargs="+")
    p.add_argument("--size", type=size_argument, default="512x512", metavar="WxH")
    p.add_argument("--json", action="store_true")
    args = p.parse_args()
    width, height = size_from_text(args.size, of="--size")
    try:
        found = [
            arithmetic_of(load_checkpoint(path).network, path.name, height, width)
            for path in args.checkpoint
        ]
    except HsiError as error:
        print(f"bench.multiply_adds: {error}", file=sys.stderr)
        return error.exit_code
    print(json.dumps([asdict(one) for one in found], indent=1) if args.json else table(found))
    return 0


@torch.no_grad()
def arithmetic_of(network: StyleNetwork, name: str, height: int, width: int) -> Arithmetic:
    """Count what a network does with a frame and with a style of this size.

    Args:
        network: Loses its weights.
        name: For the report.
        height: Of both, in pixels.
        width: Of both, in pixels.
    """
    weights = sum(one.numel() for one in network.parameters())
    empty = network.eval().to("meta")
    picture = torch.zeros(1, 3, height, width, device="meta")
    with FlopCounterMode(display=False) as of_style:
        code = empty.encode_style(picture)
    with FlopCounterMode(display=False) as of_frame:
        empty(picture, code)
    frame_macs = of_frame.get_total_flops() / 2
    return Arithmetic(
        network=name,
        frame_gmac=frame_macs / 1e9,
        kmac_per_pixel=frame_macs / 1e3 / (height * width),
        style_gmac=of_style.get_total_flops() / 2e9,
        weights=weights,
        code_bytes=4 * network.code_size,
    )


def table(rows: list[Arithmetic]) -> str:
    """The rows as text."""
    lines = [
        "| network | frame, GMAC | kMAC a pixel | style, GMAC | weights, 10^6 | code, bytes |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {row.network} | {row.frame_gmac:.2f} | {row.kmac_per_pixel:.2f} "
        f"| {row.style_gmac:.2f} | {row.weights / 1e6:.2f} | {row.code_bytes} |"
        for row in rows
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
