"""What the control page costs the line, and how soon a change shows.

    python -m bench.control_page [--size 1280x720] [--rounds 5] [--seconds 10] [--json]

A line that is asked for more frames than it can make runs as `hsi-run` with a control page. Rounds
without readers alternate with rounds of 20 slow ones, which take 4 kB a second each, and a fast
one. Then the style is changed 20 times while the picture is watched through the page's own
WebSocket: the time runs from the order to the arrival of the first picture in the new style.
Readers are a process of their own; they share the machine with the line, and cost it more than
readers elsewhere would.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import multiprocessing
import re
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import cv2
import httpx
import numpy as np
import numpy.typing as npt
from websockets.sync.client import ClientConnection, connect

SLOW = 20
SLOW_BYTES_S = 4096
STYLES = ("great-wave", "the-scream")
CHANGES = 20
SETTLE_S = 5.0  # until the kernel's buffers of the slow ones are full


def main() -> None:
    """Measure and print."""
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    p.add_argument("--size", default="1280x720")
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--seconds", type=float, default=10.0)
    p.add_argument("--json", action="store_true")
    args = p.parse_args()
    with running_line(args.size) as (process, port):
        result = measure(process, port, args.rounds, args.seconds)
    result["size"] = args.size
    print(json.dumps(result, indent=1) if args.json else table(result))


def measure(process: int, port: int, rounds: int, seconds: float) -> dict[str, Any]:
    """Frame rates and memory with and without readers, and what a change of style takes."""
    rates: dict[str, list[float]] = {"nobody": [], "readers": []}
    memory = []
    for style in STYLES:  # encoded once, kept from then on
        change_style(port, style)
    frame_rate(port, seconds)  # memory and caches settle
    for _ in range(rounds):
        rates["nobody"].append(frame_rate(port, seconds))
        with readers(port) as fast:
            rates["readers"].append(frame_rate(port, seconds))
            seen = fast.value / (SETTLE_S + seconds)
            memory.append(resident_mib(process))
    latencies, steady, changing = style_changes(port, seconds)
    return {
        "fps": {name: [round(value, 2) for value in values] for name, values in rates.items()},
        "fast_reader_fps": round(seen, 1),
        "resident_mib": [round(value, 1) for value in memory],
        "style_ms": [round(1e3 * value) for value in latencies],
        "fps_without_changes": round(steady, 2),
        "fps_with_changes": round(changing, 2),
    }


def table(result: dict[str, Any]) -> str:
    """The result as text."""
    alone, watched = (statistics.median(values) for values in result["fps"].values())
    ratios = [b / a for a, b in zip(*result["fps"].values(), strict=True)]
    memory = result["resident_mib"]
    style = sorted(result["style_ms"])
    changed = result["fps_with_changes"] / result["fps_without_changes"]
    return "\n".join(
        [
            f"{result['size']}, {len(ratios)} rounds, medians",
            f"  nobody looks                {alone:7.2f} fps  x1.000",
            f"  20 slow readers, one fast   {watched:7.2f} fps  x{watched / alone:.3f}"
            f"  (rounds x{min(ratios):.3f} to x{max(ratios):.3f})",
            f"  the fast reader sees        {result['fast_reader_fps']:7.2f} fps",
            f"  memory of the line          {memory[0]:7.1f} MiB in the first round, "
            f"{memory[-1]:.1f} in the last",
            f"  change of style shows after {style[len(style) // 2]:7d} ms at the median, "
            f"{style[-1]} at worst, of {len(style)}",
            f"  with a change every second  {result['fps_with_changes']:7.2f} fps  x{changed:.3f}",
        ]
    )


@contextlib.contextmanager
def running_line(size: str) -> Iterator[tuple[int, int]]:
    """Run a line that is always busy. Gives its process and the port of its page."""
    words = ["-m", "hsi.runtime.cli", f"test://{size}@120", "-o", "http://@:0/?readers=64", "-q"]
    with subprocess.Popen([sys.executable, *words], stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        try:
            notice = process.stderr.readline()
            found = re.search(r"http://127.0.0.1:(\d+)/", notice)
            if found is None:
                sys.exit(f"the line does not start: {notice}")
            yield process.pid, int(found[1])
        finally:
            process.terminate()


def frame_rate(port: int, seconds: float) -> float:
    """Frames a second that the line makes."""
    begun, before = time.monotonic(), shown(port)
    time.sleep(seconds)
    return (shown(port) - before) / (time.monotonic() - begun)


def shown(port: int) -> int:
    """Frames that the line has made."""
    found = httpx.get(f"http://127.0.0.1:{port}/api/v1/status", timeout=60).json()
    return int(found["cameras"][0]["shown"])


def change_style(port: int, style: str) -> None:
    """Ask for a style."""
    address = f"http://127.0.0.1:{port}/api/v1/settings"
    httpx.patch(address, json={"styles": [{"style": style}]}, timeout=60).raise_for_status()


def resident_mib(process: int) -> float:
    """Memory of a process."""
    with open(f"/proc/{process}/statm") as file:
        return int(file.read().split()[1]) * 4096 / 2**20


@contextlib.contextmanager
def readers(port: int) -> Iterator[Any]:
    """Let 20 slow readers and a fast one look. Gives how many pictures the fast one has seen."""
    context = multiprocessing.get_context("spawn")
    fast = context.Value("i", 0)
    process = context.Process(target=_read, args=(port, fast), daemon=True)
    process.start()
    try:
        while not fast.value:
            time.sleep(0.05)
        fast.value = 0
        time.sleep(SETTLE_S)
        yield fast
    finally:
        process.kill()
        process.join()


def _read(port: int, fast: Any) -> None:
    for _ in range(SLOW):
        threading.Thread(target=_read_slowly, args=(port,), daemon=True).start()
    with pictures(port) as socket_:
        while True:
            next_picture(socket_)
            fast.value += 1


def _read_slowly(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port)) as stream:
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
        path = "/api/v1/cameras/1/stream.mjpg?width=1280"
        stream.sendall(f"GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n".encode())
        while stream.recv(SLOW_BYTES_S // 4):
            time.sleep(0.25)


@contextlib.contextmanager
def pictures(port: int) -> Iterator[ClientConnection]:
    """Open the page's own stream of pictures."""
    with connect(f"ws://127.0.0.1:{port}/api/v1/cameras/1/pictures") as found:
        yield found


def next_picture(stream: ClientConnection, view: str = "pair") -> bytes:
    """Return the next picture as JPEG."""
    stream.send(json.dumps({"view": view, "width": 640}))
    while isinstance(message := stream.recv(timeout=60), str):
        pass
    return message[8:]


def style_changes(port: int, seconds: float) -> tuple[list[float], float, float]:
    """Seconds from order to picture of each change; frame rates without and with changes."""
    latencies = []
    with pictures(port) as stream:
        looks = {style: _look_of(port, stream, style) for style in STYLES}
        for number in range(CHANGES):
            style = STYLES[number % len(STYLES)]
            begun = time.monotonic()
            change_style(port, style)
            while _nearest(looks, _colour(next_picture(stream, "stylised"))) != style:
                pass
            latencies.append(time.monotonic() - begun)
            time.sleep(0.3)
    steady = frame_rate(port, seconds)
    stop = threading.Event()

    def change() -> None:
        number = 0
        while not stop.wait(1.0):
            number += 1
            change_style(port, STYLES[number % len(STYLES)])

    changer = threading.Thread(target=change)
    changer.start()
    changing = frame_rate(port, seconds)
    stop.set()
    changer.join()
    return latencies, steady, changing


def _look_of(port: int, stream: ClientConnection, style: str) -> npt.NDArray[np.float64]:
    change_style(port, style)
    time.sleep(2)
    next_picture(stream, "stylised")
    return _colour(next_picture(stream, "stylised"))


def _colour(jpeg: bytes) -> npt.NDArray[np.float64]:
    picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_REDUCED_COLOR_8)
    assert picture is not None
    return np.asarray(picture.mean(axis=(0, 1)), np.float64)


def _nearest(looks: dict[str, npt.NDArray[np.float64]], colour: npt.NDArray[np.float64]) -> str:
    return min(looks, key=lambda style: float(np.abs(looks[style] - colour).sum()))


if __name__ == "__main__":
    main()
