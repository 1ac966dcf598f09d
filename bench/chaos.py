"""What cameras and outputs do to a line: the table of docs/reliability.md.

    python -m bench.chaos [--kills 100] [--freezes 20] [--only NAME] [--keep rows.json] [--json]

A real RTSP camera (GStreamer, see bench/rtsp_camera.py) is killed, frozen, slowed down and spoilt,
and a run of the pipeline in this one process has to go on. Every frame is looked at: the camera
shows one white ball on black, and a damaged frame does not. As root, faults of the network are made
in a network namespace of its own (iproute2, nftables). The whole takes ten minutes; with --keep it
may be left off, and the same words go on with the next fault. Exit code 1: a target was missed.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from unittest import mock

from bench.chaos_line import Line, Watcher
from bench.chaos_table import Row, rows_from, table
from bench.noisy_proxy import NoisyProxy
from bench.rtsp_camera import NEEDED, RtspCamera, python_with_gstreamer
from hsi.runtime.event import EventKind
from hsi.runtime.frame import Frame, Image
from hsi.runtime.video_output import VideoOutput

SIZE = "320x240"
GONE = (EventKind.LOST, EventKind.STALLED)
INSIDE = "HSI_CHAOS_INSIDE"
TOOLS = {"UDP": "nft", "kbit": "tc"}  # by what faults have in their names


def main() -> int:
    """Make every fault, print the table."""
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    p.add_argument("--kills", type=int, default=100)
    p.add_argument("--freezes", type=int, default=20)
    p.add_argument("--only", action="append", help="the faults whose name holds this; repeat")
    p.add_argument("--keep", type=Path, help="a file of rows: those in it are not made again")
    p.add_argument("--json", action="store_true")
    args = p.parse_args()
    python = python_with_gstreamer()
    if python is None:
        print(NEEDED, file=sys.stderr)
        return 1
    if os.geteuid() == 0 and INSIDE not in os.environ:
        words = ["unshare", "--net", sys.executable, "-m", "bench.chaos", *sys.argv[1:]]
        return subprocess.call(words, env={**os.environ, INSIDE: "1"})
    wanted = [
        fault
        for fault in _faults(args)
        if not args.only or any(part in fault[0] for part in args.only)
    ]
    missing = [
        tool
        for part, tool in TOOLS.items()
        if any(part in name for name, *_ in wanted) and shutil.which(tool) is None
    ]
    if missing:  # said now: they are called for after minutes
        told = "not found, and faults of the network need it: apt-get install iproute2 nftables"
        print(f"{' and '.join(missing)}: {told}", file=sys.stderr)
        return 1
    rows = _rows(python, wanted, args.keep)
    if args.json:
        print(json.dumps([asdict(row) for row in rows], indent=1))
    else:
        print(table(rows))
    return 0 if all(row.good for row in rows) else 1


Make = Callable[[RtspCamera, Row], None]


def _faults(args: argparse.Namespace) -> list[tuple[str, int, Make]]:
    faults: list[tuple[str, int, Make]] = [
        ("killed, started again", args.kills, kill),
        ("frozen (SIGSTOP), thawed", args.freezes, freeze),
        ("started again with another size", 3, resize),
        ("garbage in the TCP stream", 5, garbage),
        ("clock set forward by an hour", 1, clock),
        ("an output that takes 1 s a frame", 1, slow_output),
    ]
    if INSIDE in os.environ:
        _ip("link set lo up")
        for percent in (1, 5, 30):
            faults.append((f"{percent} % of UDP packets lost, 10 s", 1, _losing(percent)))
        faults.append(("20 kbit/s for 10 s", 1, throttle))
        faults.append(("disk full while recording", 1, full_disk))
    return faults


def _rows(python: str, faults: list[tuple[str, int, Make]], file: Path | None) -> list[Row]:
    known = rows_from(file) if file is not None and file.exists() else []
    kept = {(row.fault, row.times): row for row in known}
    for name, times, make in faults:
        if (name, times) not in kept:
            kept[name, times] = _row(python, name, times, make)
            if file is not None:
                file.write_text(json.dumps([asdict(row) for row in kept.values()], indent=1))
    return [kept[name, times] for name, times, _ in faults]


def _row(python: str, name: str, times: int, make: Make) -> Row:
    row = Row(fault=name, times=times)
    camera = RtspCamera(python)
    camera.start(SIZE)
    try:
        make(camera, row)
    finally:
        camera.kill()
    print(row, file=sys.stderr, flush=True)
    return row


def kill(camera: RtspCamera, row: Row) -> None:
    """Kill the server; it is back a second after that was seen."""
    with Line(camera.uri) as line:
        for _ in range(row.times):
            _play_a_while(line)
            killed = time.monotonic()
            camera.kill()
            _note(row.seen_s, line.event_after(killed, GONE), row)
            time.sleep(1.0)
            camera.start(SIZE)
            _note(row.back_s, line.frame_after(time.monotonic()), row)
    row.take(line)


def freeze(camera: RtspCamera, row: Row) -> None:
    """Stop the server's process; it goes on two seconds after that was seen."""
    with Line(camera.uri) as line:
        for _ in range(row.times):
            _play_a_while(line)
            frozen = time.monotonic()
            camera.freeze()
            _note(row.seen_s, line.event_after(frozen, GONE), row)
            time.sleep(2.0)
            camera.thaw()
            _note(row.back_s, line.frame_after(time.monotonic()), row)
    row.take(line)


def resize(camera: RtspCamera, row: Row) -> None:
    """Start the server again with another size."""
    with Line(camera.uri) as line:
        for number in range(row.times):
            _play_a_while(line)
            killed = time.monotonic()
            camera.kill()
            camera.start("640x480" if number % 2 == 0 else SIZE)
            _note(row.back_s, line.frame_after(time.monotonic()), row)
            if line.event_after(killed, (EventKind.SIZE_CHANGED,)) is None:
                row.missed += 1
    row.take(line)


def garbage(camera: RtspCamera, row: Row) -> None:
    """Replace a stretch of the stream by random bytes."""
    with NoisyProxy(camera.port) as proxy:
        with Line(camera.uri.replace(str(camera.port), str(proxy.port))) as line:
            for _ in range(row.times):
                line.frame_after(time.monotonic())
                time.sleep(1.0)
                spoilt = time.monotonic()
                proxy.spoil()
                # The stream may go on after a damaged frame, stall or break; it must go on.
                time.sleep(6.0)
                if line.frame_after(time.monotonic()) is None:
                    row.missed += 1
                gone = line.event_after(spoilt, GONE, limit_s=0.1)
                if gone is not None:
                    row.seen_s.append(gone)
        row.take(line)


def clock(camera: RtspCamera, row: Row) -> None:
    """Let the system's clock jump, as this process sees it."""
    with Line(camera.uri) as line:
        line.frame_after(time.monotonic())
        true_time = time.time
        with mock.patch("time.time", lambda: true_time() + 3600):
            jumped = time.monotonic()
            _note(row.back_s, line.frame_after(jumped), row)
            time.sleep(4.0)
        row.missed += sum(event.kind in GONE for event in line.events)
    row.take(line)


def slow_output(camera: RtspCamera, row: Row) -> None:
    """Give the line a second output that is slow."""

    class Slow(Watcher):
        def write(self, frame: Frame, image: Image) -> None:
            self.arrivals.append(time.monotonic())
            time.sleep(1.0)

    slow = Slow()
    with Line(camera.uri, outputs=[slow]) as line:
        line.frame_after(time.monotonic())
        time.sleep(6.0)
    row.take(line)
    row.note = f"the other output got {len(line.watcher.arrivals)} frames, it {len(slow.arrivals)}"
    row.missed += len(line.watcher.arrivals) < 5 * len(slow.arrivals)


def full_disk(camera: RtspCamera, row: Row) -> None:
    """Record to a disk of 100 kB beside the other output."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.check_call(["mount", "-t", "tmpfs", "-o", "size=100k", "tmpfs", folder])
        try:
            with (
                VideoOutput(Path(folder) / "line.mkv", live=True) as recording,
                Line(camera.uri, outputs=[recording]) as line,
            ):
                _note(row.seen_s, line.event_after(0.0, (EventKind.OUTPUT_FAILED,), 90), row)
                row.seen_s.clear()  # when a disk fills up is not the line's doing
                _note(row.back_s, line.frame_after(time.monotonic()), row)
            kept = (Path(folder) / "line.mkv").stat().st_size
            row.note = f"{kept // 1000} kB kept"
        finally:
            subprocess.check_call(["umount", folder])
    row.take(line)


def _losing(percent: int) -> Make:
    def lose(camera: RtspCamera, row: Row) -> None:
        with Line(camera.uri, transport="udp") as line:
            line.frame_after(time.monotonic())
            _nft("add table inet chaos")
            _nft("add chain inet chaos in { type filter hook input priority 0 ; }")
            _nft(f"add rule inet chaos in meta l4proto udp numgen random mod 100 < {percent} drop")
            time.sleep(10.0)
            _nft("delete table inet chaos")
            _note(row.back_s, line.frame_after(time.monotonic()), row)
        row.take(line)

    return lose


def throttle(camera: RtspCamera, row: Row) -> None:
    """Let hardly anything through for ten seconds."""
    with Line(camera.uri) as line:
        line.frame_after(time.monotonic())
        subprocess.check_call(
            "tc qdisc add dev lo root tbf rate 20kbit burst 5kb limit 50kb".split()
        )
        time.sleep(10.0)
        subprocess.check_call("tc qdisc del dev lo root".split())
        _note(row.back_s, line.frame_after(time.monotonic()), row)
    row.take(line)


def _play_a_while(line: Line) -> None:
    line.frame_after(time.monotonic())
    time.sleep(1.0)


def _note(times: list[float], found: float | None, row: Row) -> None:
    if found is None:
        row.missed += 1
    else:
        times.append(found)


def _ip(words: str) -> None:
    subprocess.check_call(["ip", *words.split()])


def _nft(words: str) -> None:
    subprocess.check_call(["nft", words])


if __name__ == "__main__":
    sys.exit(main())
