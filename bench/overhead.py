"""What the pipeline costs beyond the network: ``hsi-run`` against a bare loop of its engine.

    python -m bench.overhead clip_720p.mp4 [--engine openvino] [--frames 120] [--rounds 3] [--json]

Each round plays the clip through the whole pipeline (decode, network, null output), and the same
frames, decoded beforehand, through the engine's own library in a plain loop; once more through the
pipeline, decoded beforehand too; and through a naive program that reads, runs and goes on, one
after the other, as most scripts do. Decoding alone is told in milliseconds of processor time.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np

import hsi.runtime
from bench.interleaved import PAUSE_S
from hsi.runtime.buffer_pool import BufferPool
from hsi.runtime.closing import Closing
from hsi.runtime.feed import Feed
from hsi.runtime.frame import Frame, Image
from hsi.runtime.heap import keep_frames, share_heap
from hsi.runtime.output import open_output
from hsi.runtime.pipeline import run_feeds
from hsi.runtime.run_options import RunOptions
from hsi.runtime.run_summary import RunSummary
from hsi.runtime.source import EndOfStream, Source, open_source

Bare = Callable[[Image], object]


def main() -> None:
    """Measure and print."""
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    p.add_argument("clip")
    p.add_argument("--engine", choices=("auto", *BARE), default="auto")
    p.add_argument("--frames", type=int, default=120)
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--json", action="store_true")
    args = p.parse_args()
    share_heap()  # as hsi-run has it, all three the same
    keep_frames()
    result = measure(args.clip, args.engine, args.frames, args.rounds)
    print(json.dumps(result, indent=1) if args.json else table(result))


def measure(clip: str, engine: str, count: int, rounds: int) -> dict[str, Any]:
    """Milliseconds a frame of each contestant, by round, and the pipeline's own stage times."""
    frames = _decoded(clip, count)
    rows: dict[str, list[float]] = {
        "bare loop": [],
        "hsi-run": [],
        "hsi-run, decoded": [],
        "read, run, repeat": [],
    }
    summaries = []
    bundle = hsi.runtime.Bundle(hsi.runtime.bundle.shipped_bundle())
    with hsi.runtime.load(engine=engine) as stylizer:
        stylizer.set_style(hsi.runtime.DEFAULT_STYLE)
        assert stylizer.style is not None
        on_cpu = stylizer.engine_name == "openvino"
        graph = bundle.manifest.stylizer_on_cpu if on_cpu else bundle.manifest.stylizer
        data = bundle.read(graph.part)
        run = BARE[stylizer.engine_name](data, _feed(bundle, stylizer.style), frames[0])
        _loop(run, frames[:3])
        _piped(open_source(clip), 3, stylizer)
        for _ in range(rounds):
            rows["bare loop"].append(_loop(run, frames))
            time.sleep(PAUSE_S)
            summaries.append(_piped(open_source(clip), len(frames), stylizer))
            rows["hsi-run"].append(_ms_per_frame(summaries[-1]))
            time.sleep(PAUSE_S)
            decoded = _piped(_Decoded(frames), len(frames), stylizer)
            rows["hsi-run, decoded"].append(_ms_per_frame(decoded))
            time.sleep(PAUSE_S)
            rows["read, run, repeat"].append(_naive(clip, run, len(frames)))
            time.sleep(PAUSE_S)
    return {
        "clip": Path(clip).name,
        "engine": stylizer.engine_name,
        "frames": len(frames),
        "size": f"{frames[0].shape[1]}x{frames[0].shape[0]}",
        "ms_per_frame": {name: [round(v, 2) for v in values] for name, values in rows.items()},
        "decoding_cpu_ms": round(_decoding_ms(clip, len(frames)), 2),
        "stages": summaries[-1].as_dict()["stages"],
        "overhead_ms": [round(s.overhead_ms or 0.0, 2) for s in summaries],
    }


def table(result: dict[str, Any]) -> str:
    """The result as text."""
    rows = {name: statistics.median(v) for name, v in result["ms_per_frame"].items()}
    ratios = {name: _ratios(result, name) for name in rows}
    lines = [f"{result['clip']}, {result['size']}, {result['frames']} frames, {result['engine']}"]
    lines += [
        f"  {name:20s} {value:8.2f} ms a frame  x{statistics.median(ratios[name]):.3f}"
        f"  (x{min(ratios[name]):.3f} to x{max(ratios[name]):.3f})"
        for name, value in rows.items()
    ]
    lines.append(f"  decoding alone       {result['decoding_cpu_ms']:8.2f} ms of processor time")
    lines.append("  stages of the last hsi-run, ms a frame")
    for name, stage in result["stages"].items():
        lines.append(f"  {name:20s} p50 {stage['p50_ms']:8.2f}  p95 {stage['p95_ms']:8.2f}")
    return "\n".join(lines)


def _ratios(result: dict[str, Any], name: str) -> list[float]:
    """To the bare loop of the same round: a machine has slow minutes."""
    rounds = result["ms_per_frame"]
    return [one / bare for one, bare in zip(rounds[name], rounds["bare loop"], strict=True)]


def _decoded(clip: str, count: int) -> list[Any]:
    frames: list[Any] = []
    with open_source(clip) as source:
        while len(frames) < count and len(frames) < (source.frame_count or count):
            frame = source.read(5.0)
            if frame is not None:
                frames.append(frame.image)
    return frames


class _Decoded(Closing):
    """A clip whose frames are there already. See :class:`hsi.runtime.source.Source`."""

    name, live, fps = "decoded", False, 25.0

    def __init__(self, frames: list[Image]) -> None:
        self.frame_count: int | None = len(frames)
        self.size: tuple[int, int] | None = (frames[0].shape[1], frames[0].shape[0])
        self._left = enumerate(frames)

    def read(self, timeout_s: float) -> Frame | None:
        for number, image in self._left:
            return Frame(image=image, number=number, time_s=number / self.fps, source=self.name)
        raise EndOfStream(self.name)

    def close(self) -> None:
        """Hold nothing."""


def _decoding_ms(clip: str, count: int) -> float:
    """Of all threads that decode, a frame, while nothing else runs."""
    with open_source(clip) as source:
        begun = time.process_time()
        for _ in range(count):  # the first was decoded at opening
            source.read(5.0)
        return 1e3 * (time.process_time() - begun) / max(1, count - 1)


def _ms_per_frame(summary: RunSummary) -> float:
    return 1e3 * summary.elapsed_s / summary.shown


def _feed(bundle: hsi.runtime.Bundle, code: hsi.runtime.StyleCode) -> dict[str, Any]:
    return {
        "style_code": code.values[np.newaxis],
        "statistics": np.zeros((1, bundle.manifest.statistics_size), np.float32),
        "statistics_weight": np.zeros((1, 1), np.float32),
        "strength": np.ones((1, 1), np.float32),
    }


def _onnxruntime(data: bytes, feed: dict[str, Any], frame: Image) -> Bare:
    import onnxruntime

    session = onnxruntime.InferenceSession(data)
    return lambda frame: session.run(None, {"frame": frame[np.newaxis], **feed})


def _openvino(data: bytes, feed: dict[str, Any], frame: Image) -> Bare:
    import openvino

    core = openvino.Core()
    model = core.read_model(data)
    inputs = {"frame": frame[np.newaxis], **feed}
    model.reshape({name: list(value.shape) for name, value in inputs.items()})
    settings = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"}
    request = core.compile_model(model, "CPU", settings).create_infer_request()
    return lambda frame: request.infer(
        {"frame": frame[np.newaxis], **feed}, share_inputs=True, share_outputs=True
    )


BARE = {"onnxruntime-cpu": _onnxruntime, "openvino": _openvino}


def _loop(run: Bare, frames: list[Image]) -> float:
    start = time.perf_counter()
    for frame in frames:
        run(frame)
    return 1e3 * (time.perf_counter() - start) / len(frames)


def _naive(clip: str, run: Bare, count: int) -> float:
    capture = cv2.VideoCapture(clip)
    start = time.perf_counter()
    for _ in range(count):
        good, frame = capture.read()
        if good:
            run(np.asarray(frame, np.uint8))
    return 1e3 * (time.perf_counter() - start) / count


def _piped(source: Source, count: int, stylizer: hsi.runtime.Stylizer) -> RunSummary:
    options = RunOptions(frames=count)
    with open_output("null:") as output:
        # As the bare loop has it: frame by frame, at the frame's own pixels.
        stream = hsi.runtime.Stream(stylizer, look=hsi.runtime.Look(style_scale=None), stability=0)
        pool = BufferPool(stream.play)
        feed = Feed(
            name=source.name,
            sources=[source],
            stylize=pool,
            recycle=pool.give_back,
            outputs=[output],
        )
        return run_feeds([feed], options)


if __name__ == "__main__":
    main()
