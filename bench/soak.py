"""Whether hours of faults leave anything behind: memory, file descriptors, threads.

    python -m bench.soak [--minutes 30] [--settle 3] [--seed 1] [--json]

One `hsi-run` plays four cameras through the shipped network into four videos: two RTSP cameras
(GStreamer) and a GigE Vision camera (Aravis), which are killed, frozen and given another size at
random moments, and a test pattern with faults of its own. What it holds is sampled every second,
from outside. Only moments count at which all three cameras have been well for some seconds: memory
goes up and down with the decoders of cameras that happen to be there, by more than a leak adds in
half an hour. Two slopes are told, of straight lines through the samples after the warm-up: that of
the heap in use, which `hsi-run` tells among its metrics and where a leak shows, and that of
resident memory, which also holds what was freed and is kept. Exit code 1: a target was missed.
"""

import argparse
import contextlib
import json
import math
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from bench import gige_camera, rtsp_camera
from bench.gige_camera import GigeCamera
from bench.port import free_port
from bench.process_samples import Growth, Sample, growth_of, sample_of
from bench.rtsp_camera import RtspCamera

LARGER = "320x240"  # than the cameras' own size
PATTERN = (
    "fault+test://320x240@15?drop=0.02&corrupt=0.01&stall=4s/31s&lose=47s&resize=13s&seed={seed}"
)
EVERY_S = (4.0, 12.0)  # between two faults of one camera
LASTING_S = (0.5, 6.0)  # a fault
STARTING_S = 60.0  # for the cameras to be there
SETTLE_S = 3.0  # from the end of a fault until memory is what it was before

Faults = dict[str, tuple[Callable[[], None], Callable[[], None]]]


@dataclass(frozen=True, kw_only=True)
class Report:
    """What was seen, and whether it met the targets."""

    minutes: float
    faults: dict[str, int]  # made, by kind
    growth: Growth
    summary: dict[str, Any]  # as `hsi-run --json` prints it
    exit_code: int

    @property
    def misses(self) -> list[str]:
        """What was not as it should be; empty where all was."""
        found = self.growth.misses
        if self.exit_code != 128 + signal.SIGTERM:
            found.append(f"hsi-run ended by itself, with exit code {self.exit_code}")
        for name, camera in self.summary.get("cameras", {}).items():
            if not camera["shown"]:
                found.append(f"{name}: no frame was shown")
            if camera["captured"] != camera["shown"] + sum(camera["dropped"].values()):
                found.append(f"{name}: the account does not come out even")
        return found

    def __str__(self) -> str:
        made = ", ".join(f"{count} {kind}" for kind, count in sorted(self.faults.items()))
        events = ", ".join(f"{n} {kind}" for kind, n in self.summary["event_counts"].items())
        lines = [
            f"{self.minutes:g} minutes, faults made: {made}",
            f"events: {events}",
            str(self.growth),
            "",
            "| camera | captured | shown | dropped |",
            "|---|---|---|---|",
        ]
        for name, camera in self.summary["cameras"].items():
            dropped = ", ".join(
                f"{n} {cause.replace('_', ' ')}" for cause, n in camera["dropped"].items() if n
            )
            row = (name, str(camera["captured"]), str(camera["shown"]), dropped or "none")
            lines.append("| " + " | ".join(row) + " |")
        return "\n".join(lines)


class Tormentor:
    """Makes faults of one camera at random moments, in a thread of its own.

    Args:
        faults: What begins and ends each, by name.
        seed: Of the moments and choices.
    """

    def __init__(
        self,
        faults: Faults,
        seed: int,
    ) -> None:
        self.made: list[str] = []
        self._faults = faults
        self._well_since_s = time.monotonic()  # infinite while a fault lasts
        self._random = random.Random(seed)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._torment)
        self._thread.start()

    @property
    def well_s(self) -> float:
        """Seconds since the last fault ended, negative while one lasts."""
        return time.monotonic() - self._well_since_s

    def end(self) -> None:
        """Leave the camera well."""
        self._stop.set()
        self._thread.join()

    def _torment(self) -> None:
        while not self._stop.wait(self._random.uniform(*EVERY_S)):
            name = self._random.choice(sorted(self._faults))
            begin, finish = self._faults[name]
            self._well_since_s = math.inf
            begin()
            self.made.append(name)
            self._stop.wait(self._random.uniform(*LASTING_S))
            finish()
            self._well_since_s = time.monotonic()


def main() -> int:
    """Run it, print the report."""
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    p.add_argument("--minutes", type=float, default=30)
    p.add_argument("--warm-up", type=float, help="minutes (default: a third)")
    p.add_argument(
        "--settle", type=float, default=SETTLE_S,
        help="seconds for which all cameras have been well when a sample counts (0: all samples)",
    )  # fmt: skip
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--json", action="store_true")
    args = p.parse_args()
    python = rtsp_camera.python_with_gstreamer()
    if python is None or not gige_camera.is_installed():
        print(f"{rtsp_camera.NEEDED}\n{gige_camera.NEEDED}", file=sys.stderr)
        return 1
    warm_up = args.minutes / 3 if args.warm_up is None else args.warm_up
    report = soak(
        python, minutes=args.minutes, warm_up=warm_up, settle_s=args.settle, seed=args.seed
    )
    print(json.dumps(asdict(report), indent=1) if args.json else report)
    for miss in report.misses:
        print(f"missed: {miss}", file=sys.stderr)
    return 1 if report.misses else 0


def soak(
    python: str, *, minutes: float, warm_up: float, settle_s: float = SETTLE_S, seed: int
) -> Report:
    """Play four cameras for some minutes while faults are made.

    Args:
        python: One with GStreamer.
        minutes: How long.
        warm_up: How many of them say nothing about growth.
        settle_s: How long all cameras have been well when a sample counts; 0: all samples count.
        seed: Of the faults.
    """
    with contextlib.ExitStack() as stack:
        rtsp, gige = [RtspCamera(python), RtspCamera(python)], GigeCamera()
        cameras: list[RtspCamera | GigeCamera] = [*rtsp, gige]
        for camera in cameras:
            stack.callback(camera.kill)
            camera.start()
        uris = [rtsp[0].uri, rtsp[1].uri, f"{gige.uri}?size=320x240&fps=15"]
        uris.append(PATTERN.format(seed=seed))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        port = free_port()
        process = stack.enter_context(_playing(uris, folder, port))
        faults = [_faults_of_rtsp(one) for one in rtsp] + [_faults_of(gige)]
        tormentors = [Tormentor(one, seed + number) for number, one in enumerate(faults)]
        for one in tormentors:
            stack.callback(one.end)
        samples = _samples(process, port, 60 * minutes, tormentors, settle_s)
        for one in tormentors:
            one.end()
        process.terminate()
        out, _ = process.communicate(timeout=60)
    made = [name for one in tormentors for name in one.made]
    return Report(
        minutes=minutes,
        faults={name: made.count(name) for name in set(made)},
        growth=growth_of(samples, warm_up_s=60 * warm_up),
        summary=json.loads(out) if out else {},
        exit_code=process.returncode,
    )


@contextlib.contextmanager
def _playing(uris: Sequence[str], folder: Path, port: int) -> Iterator[subprocess.Popen[str]]:
    """Start `hsi-run` with its metrics and wait until every camera is being recorded."""
    words = [sys.executable, "-m", "hsi.runtime.cli", "--json", "--metrics", str(port)]
    words += ["-o", f"{folder}/{{camera}}.mkv"]
    for uri in uris:
        words += ["--camera", uri]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        deadline = time.monotonic() + STARTING_S
        while len(list(folder.iterdir())) < len(uris) and time.monotonic() < deadline:
            time.sleep(0.1)
        yield process
    finally:
        process.kill()
        process.wait()


def _faults_of(camera: RtspCamera | GigeCamera) -> Faults:
    return {"killed": (camera.kill, camera.start), "frozen": (camera.freeze, camera.thaw)}


def _faults_of_rtsp(camera: RtspCamera) -> Faults:
    def enlarge() -> None:
        camera.kill()
        camera.start(LARGER)

    def restore() -> None:
        camera.kill()
        camera.start()

    return {**_faults_of(camera), "resized": (enlarge, restore)}


def _samples(
    process: subprocess.Popen[str],
    port: int,
    seconds: float,
    tormentors: Sequence[Tormentor],
    settle_s: float,
) -> list[Sample]:
    begun = time.monotonic()
    found: list[Sample] = []
    while (passed := time.monotonic() - begun) < seconds and process.poll() is None:
        if settle_s <= 0 or min(one.well_s for one in tormentors) >= settle_s:
            found.append(sample_of(process.pid, at_s=passed, heap_mb=_heap_mb(port)))
        time.sleep(1.0)
    return found


def _heap_mb(port: int) -> float:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=20) as answer:
        text = answer.read().decode()
    found = {
        sample.name: sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    return found["hsi_heap_in_use_bytes"] / 1e6


if __name__ == "__main__":
    sys.exit(main())
