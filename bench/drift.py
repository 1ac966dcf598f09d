"""Drift: what it tells of clips, and what watching for it costs.

    python -m bench.drift [CLIP ...] [--size 1280x720] [--rounds 9] [--threads N]

Each clip is calibrated on as an export does it, and other frames of it are held against that: as
they are, at their own size, with sensor noise, a fifth darker and in warmer light; and so are the
other clips. Told are the least, the median and the greatest drift; 1 is the edge of the set.

A look comes four times a second, whatever the frame rate. Told are its time, the time of offering a
frame to a collector that knows 24, and the share of each in what the network takes for the frames
of a second at 30 a second.
"""

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import onnx

import hsi.runtime
from bench.interleaved import interleaved
from hsi.calibrate.calibration_set import collect
from hsi.calibrate.drift_bounds import drift_reference
from hsi.calibrate.flicker import noisy_frames
from hsi.calibrate.frames import read_frames
from hsi.calibrate.stylizer_run import StylizerRun
from hsi.runtime.bundle import Bundle, shipped_bundle
from hsi.runtime.drift import DriftGauge
from hsi.runtime.frame import Image
from hsi.runtime.frame_collector import FrameCollector
from hsi.runtime.picture import silence_opencv
from hsi.runtime.scene_watch import LOOK_S
from hsi.runtime.uri import size_from_text

ROOT = Path(__file__).resolve().parents[1]
PHOTOGRAPH = ROOT / "export" / "data" / "frame.jpg"
CLIP = ROOT / "examples" / "clips" / "bottles.mp4"
LOOKS = 13  # of each clip; none of the strides of calibration
KNOWN = 24
FPS = 30

CHANGES: dict[str, Callable[[Image], Image]] = {
    "itself": lambda frame: frame,
    "with sensor noise": lambda frame: noisy_frames(frame, 1)[0],
    "a fifth darker": lambda frame: (frame * 0.8).astype(np.uint8),
    "in warmer light": lambda frame: np.clip(frame * [0.8, 1, 1.2], 0, 255).astype(np.uint8),
}


def main() -> None:
    """Measure and print."""
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    p.add_argument("clips", nargs="*", default=[str(CLIP)])
    p.add_argument("--size", default="1280x720")
    p.add_argument("--rounds", type=int, default=9)
    p.add_argument("--threads", type=int)
    args = p.parse_args()
    silence_opencv()
    bundle = Bundle(shipped_bundle())
    graph = onnx.load_from_string(bundle.read(bundle.manifest.stylizer.part))
    run = StylizerRun(graph, threads=args.threads)
    frames = {
        name: [one.image for one in read_frames([name], side=4096, candidates=LOOKS)]
        for name in args.clips
    }
    for name in args.clips:
        gauge = DriftGauge(drift_reference(collect([name]), run, bundle.manifest.statistics))
        print(f"calibrated on {Path(name).name}\n{drift_table(gauge, run, name, frames)}")
    print(cost_table(gauge, size_from_text(args.size, of="--size"), args.rounds, args.threads))


def drift_table(
    gauge: DriftGauge, run: StylizerRun, calibrated: str, frames: dict[str, list[Image]]
) -> str:
    """The drift of the clip calibrated on, changed in some ways, and of the others."""
    shown = {f"  {how}": list(map(change, frames[calibrated])) for how, change in CHANGES.items()}
    shown |= {f"  {Path(n).name}": images for n, images in frames.items() if n != calibrated}
    code = np.zeros(run.code_size, np.float32)
    lines = []
    for name, images in shown.items():
        drifts = [gauge.drift(image, run.statistics(image, code)) for image in images]
        low, middle, high = np.quantile(drifts, (0, 0.5, 1))
        lines.append(f"{name:38s} {low:6.2f} {middle:6.2f} {high:6.2f}")
    return "\n".join(lines)


def cost_table(gauge: DriftGauge, size: tuple[int, int], rounds: int, threads: int | None) -> str:
    """Milliseconds of a look and of an offer, and their shares in the network's time."""
    photograph = cv2.imread(str(PHOTOGRAPH))
    assert photograph is not None
    frame = np.asarray(cv2.resize(photograph, size), np.uint8)
    with (
        hsi.runtime.load(threads=threads) as stylizer,
        tempfile.TemporaryDirectory() as folder,
    ):
        collector = FrameCollector(Path(folder))
        for number in range(KNOWN):
            collector.offer(np.full((64, 64, 3), 10 * number, np.uint8))
        collector.offer(frame)  # from now on it is a twin, and written no more
        statistics = stylizer.stylize(frame).statistics
        timings = interleaved(
            {
                "network": lambda: stylizer(frame),
                "look": lambda: gauge.drift(frame, statistics),
                "offer": lambda: collector.offer(frame),
            },
            rounds,
        )
    network_s = FPS * timings["network"].median_ms
    lines = [f"{size[0]}x{size[1]}, medians of {rounds} interleaved rounds"]
    for name, one in timings.items():
        share = "" if name == "network" else f"  {one.median_ms / LOOK_S / network_s:.3%}"
        lines.append(f"{name:>10s} {one.median_ms:9.3f} ms{share}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
