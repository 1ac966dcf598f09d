"""The ablations of the HSI paper: each statistic alone, each relation alone, plain moment matching.

    python -m bench.ablations --data DATA --work runs/ablations -o docs/ablations [--steps 1200]

Every variant of hsi-edge is trained from scratch alike, by the compressed VGG-19, then scored as
hsi-eval does on the tuning pictures of docs/split.json. Writes OUT.json and OUT.jpg and prints the
table. A run that was interrupted goes on; a variant that is trained is only scored.

DATA holds content/, style/ and vgg/ as hsi-train and hsi-eval take them, see docs/training.md.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import torch
from tqdm import tqdm

from hsi.evaluate.evaluator import evaluate, squares
from hsi.evaluate.options import EvaluationOptions
from hsi.evaluate.pair_list import PairList, pair_list_from_json, pair_name
from hsi.model import PRESETS, NetworkOptions, StyleNetwork
from hsi.model.checkpoint import load_checkpoint
from hsi.model.options import STATISTICS, Relation
from hsi.runtime.errors import HsiError
from hsi.runtime.frame import Image
from hsi.train.first_weights import fresh_network
from hsi.train.options import LossWeights, TrainOptions
from hsi.train.pictures import planes
from hsi.train.trainer import Trainer

ROOT = Path(__file__).resolve().parents[1]
SPLIT = ROOT / "docs" / "split.json"
SMALL, LARGE = "vgg19_16x_small_relu5_1_CD.pth", "vgg_normalised_relu4_1.pth"
FULL = "the whole module"
SHOWN = 4  # pairs on the sheet
CELL = 192  # pixels a side there
WEIGHTS = LossWeights(style=40, content=12, grey_content=0, adversarial=0, structure=30, palette=20)


def main() -> int:
    """Train what is not trained, score all, and write."""
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    p.add_argument("--data", type=Path, required=True)
    p.add_argument("--work", type=Path, required=True, help="folder for runs and results")
    p.add_argument("--steps", type=int, default=1200)
    p.add_argument("-o", "--out", type=Path, required=True, help="without a suffix")
    args = p.parse_args()
    try:
        scores = ablate(args.data, args.work, args.steps, args.out)
    except HsiError as error:
        print(f"ablations: {error}", file=sys.stderr)
        return error.exit_code
    print(table(scores))
    return 0


def variants() -> dict[str, NetworkOptions]:
    """What is compared, by name."""
    whole = PRESETS["hsi-edge"]
    relations: tuple[Relation, ...] = ("local", "global")
    found = {FULL: whole}
    for name in STATISTICS:
        found[f"{name} alone"] = replace(
            whole, injector=replace(whole.injector, statistics=(name,))
        )
    for relation in relations:
        injector = replace(whole.injector, relation=relation)
        found[f"{relation} relation alone"] = replace(whole, injector=injector)
    return found | {"moment matching": replace(whole, transfer="moments")}


def ablate(data: Path, work: Path, steps: int, out: Path) -> dict[str, dict[str, float]]:
    """Mean scores by variant."""
    pairs = pair_list_from_json(SPLIT, "tuning")
    scores = {}
    for name, network in variants().items():
        folder = work / name.replace(" ", "_")
        trained = _trained(network, data, folder.with_suffix(".pt"), steps, name)
        _render(trained, pairs, folder)
        options = EvaluationOptions(pairs=pairs, vgg=data / "vgg" / LARGE, method=folder)
        scores[name] = vars(evaluate(options).tables[0].mean())
    out.with_suffix(".json").write_text(json.dumps({"steps": steps, "scores": scores}, indent=1))
    sheet = _sheet(pairs, [work / name.replace(" ", "_") for name in scores])
    cv2.imwrite(str(out.with_suffix(".jpg")), sheet, [cv2.IMWRITE_JPEG_QUALITY, 88])
    return scores


def table(scores: dict[str, dict[str, float]]) -> str:
    """The scores as text."""
    heads = ("content loss", "style loss", "SSIM")
    lines = [f"{'':24}" + "".join(f"{head:>14}" for head in heads)]
    for name, row in scores.items():
        values = (row["content_loss"], row["style_loss"], row["ssim"])
        lines.append(f"{name:24}" + "".join(f"{value:14.2f}" for value in values))
    return "\n".join(lines)


def _trained(network: NetworkOptions, data: Path, out: Path, steps: int, name: str) -> StyleNetwork:
    small = data / "vgg" / SMALL
    options = TrainOptions(
        content=(data / "content",),
        style=(data / "style" / "standardebooks", data / "style" / "public_domain"),
        out=out,
        loss_network=small,
        exclude=SPLIT,
        steps=steps,
        share=2,
        crop=128,
        recolour=0.4,
        style_ramp=steps // 2,
        weights=WEIGHTS,
        precision="bf16",
    )
    if not out.is_file():
        with tqdm(total=steps, desc=name, unit="step") as bar:

            def advance(step: int, losses: dict[str, float]) -> None:
                bar.update(step - bar.n)

            Trainer(options, fresh_network(network, small, options.seed)).run(advance)
    return load_checkpoint(out).network.eval()


@torch.inference_mode()
def _render(network: StyleNetwork, pairs: PairList, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    contents, styles = squares(pairs, 512)
    for style, of_style in zip(pairs.styles, styles, strict=True):
        code = network.encode_style(planes([of_style]))
        for content, of_content in zip(pairs.contents, contents, strict=True):
            made, _ = network(planes([of_content]), code)
            picture = made[0].clamp(0, 1).mul(255).round().byte().permute(1, 2, 0).numpy()
            cv2.imwrite(str(folder / f"{pair_name(content, style)}.png"), picture)


def _sheet(pairs: PairList, folders: Sequence[Path]) -> Image:
    """A row a pair: style, photograph, then the variants in the order of the table."""
    contents, styles = squares(pairs, CELL)
    rows = []
    for number in np.linspace(0, len(styles) - 1, SHOWN).astype(int):
        content = number % len(contents)
        name = f"{pair_name(pairs.contents[content], pairs.styles[number])}.png"
        made = [cv2.imread(str(folder / name)) for folder in folders]
        cells = [
            cv2.resize(m, (CELL, CELL), interpolation=cv2.INTER_AREA) for m in made if m is not None
        ]
        rows.append(np.hstack([styles[number], contents[content], *cells]))
    return np.asarray(np.vstack(rows), np.uint8)


if __name__ == "__main__":
    sys.exit(main())
