"""Every contestant once a round, so that a slow minute hits all alike."""

import contextlib
import logging
import os
import platform
import time
from collections.abc import Callable
from importlib import metadata

import numpy as np

from hsi.benchmark.contestant import Contestant
from hsi.benchmark.options import BenchOptions
from hsi.benchmark.result import BenchResult, Row, Timing, timing_of
from hsi.runtime.bundle import shipped_bundle
from hsi.runtime.frame import Image

log = logging.getLogger(__name__)

LEAST_ROUNDS = 3
PACKAGES = ("onnxruntime", "onnxruntime-gpu", "openvino", "tensorrt")


def compare(options: BenchOptions, on_step: Callable[[str], None] = log.info) -> BenchResult:
    """Time every contestant, interleaved.

    Contestants of one size are all open at once, so memory of one is told before the next opens.

    Args:
        options: What.
        on_step: Told the name of each step as it starts.

    Raises:
        HsiError: A bundle, precision or engine is not to be had here.
    """
    rows: list[Row] = []
    copies: list[Timing] = []
    for size in options.sizes:
        more, copy = _of_size(options, size, on_step)
        rows += more
        copies.append(copy)
    return BenchResult(
        model=str(options.model or shipped_bundle()),
        machine=_machine(options),
        rows=tuple(rows),
        copy=tuple(copies),
    )


def _of_size(
    options: BenchOptions, size: tuple[int, int], on_step: Callable[[str], None]
) -> tuple[list[Row], Timing]:
    width, height = size
    # What is in a frame is nothing to a network of fixed operators.
    frame = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    with contextlib.ExitStack() as stack:
        contestants = []
        for engine in options.engines:
            for precision in options.precisions:
                on_step(f"{width}x{height}: opening {engine} {precision or ''}".rstrip())
                opened = stack.enter_context(
                    Contestant(options.model, engine, precision, options.threads, options.verify)
                )
                opened.prepare(frame)
                contestants.append(opened)
        on_step(f"{width}x{height}: measuring")
        times, computes, copy = _rounds(contestants, frame, options.seconds)
    first = times[0].p50_ms
    rows = [
        Row(
            width=width,
            height=height,
            engine=one.engine,
            asked=one.asked,
            precision=one.precision,
            timing=timing,
            compute_ms=compute,
            memory_mib=one.memory_mib,
            device_mib=one.device_mib,
            copies=round(timing.p50_ms / copy.p50_ms, 1),
            against_first=round(timing.p50_ms / first, 3),
        )
        for one, timing, compute in zip(contestants, times, computes, strict=True)
    ]
    return rows, copy


def _rounds(
    contestants: list[Contestant], frame: Image, seconds: float
) -> tuple[list[Timing], list[float | None], Timing]:
    """Times of whole frames, the device's medians where they are told, and times of a copy."""
    out = np.empty_like(frame)
    runs: list[Callable[[], object]] = [lambda: np.copyto(out, frame)]
    runs += [lambda one=one: one.run(frame, out) for one in contestants]  # type: ignore[misc]
    times: list[list[float]] = [[] for _ in runs]
    computes: list[list[float]] = [[] for _ in contestants]
    end = time.perf_counter() + seconds * len(contestants)
    while len(times[0]) < LEAST_ROUNDS or time.perf_counter() < end:
        for run, spent in zip(runs, times, strict=True):
            start = time.perf_counter()
            run()
            spent.append(1e3 * (time.perf_counter() - start))
        for one, told in zip(contestants, computes, strict=True):
            if one.compute_ms is not None:
                told.append(one.compute_ms)
    copy, *others = map(timing_of, times)
    return others, [timing_of(told).p50_ms if told else None for told in computes], copy


def _machine(options: BenchOptions) -> dict[str, str]:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    told = {"processor": _processor(), "threads": f"{options.threads or cores} threads"}
    for name in PACKAGES:
        with contextlib.suppress(metadata.PackageNotFoundError):
            told[name] = f"{name} {metadata.version(name)}"
    return told


def _processor() -> str:
    with contextlib.suppress(OSError), open("/proc/cpuinfo") as lines:
        for line in lines:
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
