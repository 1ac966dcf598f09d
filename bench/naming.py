"""Whether styles can be told apart: which painting is nearest to each picture of the contact sheet.

    python -m bench.naming --root DATA --loss-network vgg.pth [--list LIST.json] [--model MODEL]

Every photograph in every style, as the contact sheet has them. The nearest painting is that of
least style loss by hsi-eval's measure. A table: painting by row, nearest by column.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt

import hsi.runtime
from hsi.evaluate.features import FeatureNetwork
from hsi.evaluate.measures import moments, style_loss
from hsi.evaluate.picture import read_picture, squared

ROOT = Path(__file__).resolve().parents[1]
SIDE = 512  # pixels


def main() -> int:
    """Measure and print."""
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    p.add_argument("--root", type=Path, required=True, help="folder that the list's paths start at")
    p.add_argument("--loss-network", type=Path, required=True)
    p.add_argument("--list", type=Path, default=ROOT / "docs" / "held_out.json")
    p.add_argument("--model", help="bundle (default: the shipped one)")
    args = p.parse_args()
    try:
        listed = json.loads(args.list.read_text())
        counts = named(
            [args.root / name for name in listed["style"]],
            [args.root / name for name in listed["content"]],
            FeatureNetwork(args.loss_network),
            args.model,
        )
    except hsi.runtime.HsiError as error:
        print(f"naming: {error}", file=sys.stderr)
        return error.exit_code
    for name, row in zip(listed["style"], counts, strict=True):
        print(f"{Path(name).stem:30s}" + "".join(f"{count:4d}" for count in row))
    print(f"{np.trace(counts)} of {counts.sum()} are nearest to their own painting")
    return 0


def named(
    styles: list[Path], contents: list[Path], network: FeatureNetwork, model: str | None
) -> npt.NDArray[np.int_]:
    """Pictures by their own painting (row) and the nearest one (column), `(S, S)`."""
    paintings = [squared(read_picture(path), SIDE) for path in styles]
    photographs = [squared(read_picture(path), SIDE) for path in contents]
    wanted = [moments(network.levels(painting)) for painting in paintings]
    counts = np.zeros((len(styles), len(styles)), int)
    with hsi.runtime.load(model) as stylizer:
        for number, painting in enumerate(paintings):
            stylizer.set_style(painting)
            for photograph in photographs:
                found = moments(network.levels(stylizer(photograph)))
                counts[number, np.argmin([style_loss(found, one) for one in wanted])] += 1
    return counts


if __name__ == "__main__":
    sys.exit(main())
