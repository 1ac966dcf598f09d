"""Flicker: how much more a stylised video changes than its scene, and where that comes from.

    python -m bench.flicker [CLIP ...] [--style NAME] [--frames 40] [--skip 0] [--json]
                            [--loss-network vgg.pth]

For every clip, and for a photograph with synthetic sensor noise, the mean difference of consecutive
pictures along the optical flow of the inputs, in grey levels, with hidden pixels left out: of the
inputs, of the frames stylised one by one, with statistics smoothed over time alone, and with the
whole of ``--stability``. "At rest" is the same over the pixels where the scene stands still.
Sharpness is the gradient energy of the result against that of the frames stylised one by one, whose
noise counts as sharpness; of the photograph, against the same without noise, stylised. With a
normalised VGG-19, "style" is how much the style loss of hsi-eval grows from frame by frame to
stable, over every fifth frame.
"""

import argparse
import itertools
import json
import math
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

import hsi.runtime
from bench.optical_flow import Image, Motion, motions
from hsi.calibrate.flicker import noisy_frames
from hsi.evaluate.features import FeatureNetwork
from hsi.evaluate.measures import moments, style_loss
from hsi.evaluate.picture import read_picture, squared
from hsi.runtime.source import EndOfStream, open_source
from hsi.runtime.stabiliser import DEFAULT_STABILITY, MEMORY_S
from hsi.runtime.styles import style_path

ROOT = Path(__file__).resolve().parents[1]
PHOTOGRAPH = ROOT / "export" / "data" / "frame.jpg"
CLIP = ROOT / "examples" / "clips" / "bottles.mp4"
SETTLE = 5  # frames that are not counted, in which the filter takes hold

Clip = list[tuple[float, Image]]
StyleLoss = Callable[[Sequence[Image]], float]


def main() -> int:
    """Measure and print."""
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    p.add_argument("clips", nargs="*", default=[str(CLIP)])
    p.add_argument("--style", default=hsi.runtime.DEFAULT_STYLE)
    p.add_argument("--frames", type=int, default=40)
    p.add_argument("--skip", type=int, default=0, help="frames of each clip to leave out first")
    p.add_argument("--stability", type=float, default=DEFAULT_STABILITY)
    p.add_argument("--loss-network", type=Path)
    p.add_argument("--json", action="store_true")
    args = p.parse_args()
    try:
        rows = measure(args)
    except hsi.runtime.HsiError as error:
        print(f"flicker: {error}", file=sys.stderr)
        return error.exit_code
    print(json.dumps(rows, indent=1) if args.json else table(rows))
    return 0


def measure(args: argparse.Namespace) -> dict[str, dict[str, float]]:
    """The numbers by clip."""
    photograph = cv2.imread(str(PHOTOGRAPH))
    assert photograph is not None
    scene = np.asarray(photograph, np.uint8)
    judge = _style_judge(args.loss_network, args.style) if args.loss_network else None
    with hsi.runtime.load() as stylizer:
        stylizer.set_style(args.style)
        sharp = _sharpness([stylizer(scene)])
        noisy = [
            (number / 25, frame) for number, frame in enumerate(noisy_frames(scene, args.frames))
        ]
        rows = {"photograph with noise": _measured(stylizer, noisy, args.stability, judge, sharp)}
        for name in args.clips:
            clip = _read(name, args.skip, args.frames)
            rows[Path(name).name] = _measured(stylizer, clip, args.stability, judge)
    return rows


def table(rows: dict[str, dict[str, float]]) -> str:
    """The rows as text."""
    head = f"{'':34s} {'input':>6s} {'frame by':>9s} {'statist.':>9s} {'stable':>7s} "
    lines = [head + f"{'times':>6s} {'at rest':>8s} {'sharp':>6s} {'style':>6s}"]
    for name, row in rows.items():
        cells = f"{row['input']:6.2f} {row['alone']:9.2f} {row['statistics']:9.2f} "
        cells += f"{row['stable']:7.2f} {row['alone'] / row['stable']:6.1f} "
        cells += f"{row['alone_at_rest'] / row['stable_at_rest']:8.1f} {row['sharpness']:6.2f} "
        cells += f"{row['style_change']:+6.1%}" if "style_change" in row else f"{'-':>6s}"
        lines.append(f"{name:34s} {cells}")
    return "\n".join(lines)


def _measured(
    stylizer: hsi.runtime.Stylizer,
    clip: Clip,
    stability: float,
    judge: StyleLoss | None,
    sharp: float | None = None,
) -> dict[str, float]:
    frames = [frame for _, frame in clip]
    moved = motions(frames)
    alone = [stylizer(frame) for frame in frames]
    stream = hsi.runtime.Stream(
        stylizer, look=hsi.runtime.Look(style_scale=None), stability=stability
    )
    stable = [stream(frame, time_s=time_s) for time_s, frame in clip]
    steady = _with_statistics(stylizer, clip, stability)
    row = {
        "input": _flicker(frames, moved),
        "alone": _flicker(alone, moved),
        "statistics": _flicker(steady, moved),
        "stable": _flicker(stable, moved),
        "alone_at_rest": _flicker(alone, moved, still_only=True),
        "stable_at_rest": _flicker(stable, moved, still_only=True),
        "sharpness": _sharpness(stable[SETTLE:]) / (sharp or _sharpness(alone[SETTLE:])),
    }
    if judge is not None:
        row["style_change"] = judge(stable[SETTLE::5]) / judge(alone[SETTLE::5]) - 1
    return {name: round(value, 3) for name, value in row.items()}


def _style_judge(weights: Path, style: str) -> StyleLoss:
    """The mean style loss of pictures, by the protocol of hsi-eval."""
    network = FeatureNetwork(weights)
    wanted = moments(network.levels(squared(read_picture(style_path(style)), 512)))

    def judge(pictures: Sequence[Image]) -> float:
        losses = [
            style_loss(moments(network.levels(squared(picture, 512))), wanted)
            for picture in pictures
        ]
        return float(np.mean(losses))

    return judge


def _with_statistics(stylizer: hsi.runtime.Stylizer, clip: Clip, stability: float) -> list[Image]:
    """The frames with smoothed statistics and nothing else."""
    made = [stylizer.stylize(clip[0][1])]
    for (before_s, _), (time_s, frame) in itertools.pairwise(clip):
        weight = math.exp((before_s - time_s) / (stability * MEMORY_S)) if stability else 0.0
        made.append(
            stylizer.stylize(frame, statistics=made[-1].statistics, statistics_weight=weight)
        )
    return [one.image for one in made]


def _flicker(
    pictures: Sequence[Image], moved: Sequence[Motion], *, still_only: bool = False
) -> float:
    pairs = zip(itertools.pairwise(pictures), moved, strict=True)
    changes = [motion.change(*pair, still_only=still_only) for pair, motion in pairs]
    return float(np.nanmean(changes[SETTLE:]))


def _sharpness(pictures: Sequence[Image]) -> float:
    """Mean length of the luma's gradient."""
    found = []
    for picture in pictures:
        grey: Any = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
        across, down = cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1)
        found.append(float(cv2.magnitude(across, down).mean()))
    return float(np.mean(found))


def _read(name: str, skip: int, count: int) -> Clip:
    clip: Clip = []
    with open_source(name) as source:
        while len(clip) < skip + count:
            try:
                frame = source.read(5.0)
            except EndOfStream:
                break
            if frame is not None:
                clip.append((frame.time_s, frame.image))
    if len(clip) < skip + SETTLE + 2:
        raise hsi.runtime.SourceError(
            f"{name}: expected {skip + SETTLE + 2} frames or more, found {len(clip)}: skip fewer"
        )
    return clip[skip:]


if __name__ == "__main__":
    sys.exit(main())
