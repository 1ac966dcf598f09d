"""What the control page costs the line, and how soon a change shows.

    python -m bench.control_page [--size 1280x720] [--fps 12] [--rounds 8] [--seconds 4] [--json]

A line that is asked for more frames than it can make runs as `hsi-run` with a control page. Rounds
without readers alternate with rounds of 20 slow ones, which take 4 kB a second each, and a fast
one. Then a line with a camera of so many frames a second, which it can make, has its style changed
20 times while the picture is watched through the page's own WebSocket: the time runs from the order
to the arrival of the first picture in the new style, and told are the frames dropped meanwhile.
Readers are a process of their own; they share the machine with the line, and cost it more than
readers elsewhere would. It takes two minutes.
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
SETTLE_S = 3.0  # until the kernel's buffers of the slow ones are full


def main() -> None:
    """Measure and print."""
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    p.add_argument("--size", default="1280x720")
    p.add_argument("--fps", type=float, default=12.0)
    p.add_argument("--rounds", type=int, default=8)
    p.add_argument("--seconds", type=float, default=4.0)
    p.add_argument("--json", action="store_true")
    args = p.parse_args()
    with running_line(f"test://{args.size}@120") as (process, page):
        watched = measure_readers(process, page, args.rounds, args.seconds)
    with running_line(f"test://{args.size}@{args.fps:g}") as (_, page):
        changed = measure_changes(page)
    result = {"size": args.size, "camera_fps": args.fps, **watched, **changed}
    print(json.dumps(result, indent=1) if args.json else table(result))


def measure_readers(
    process: int, page: httpx.Client, rounds: int, seconds: float
) -> dict[str, Any]:
    """Frame rates and memory with and without readers."""
    rates: dict[str, list[float]] = {"nobody": [], "readers": []}
    memory = []
    frame_rate(page, seconds)  # memory and caches settle
    for number in range(1, rounds + 1):
        rates["nobody"].append(frame_rate(page, seconds))
        with readers(_port(page)) as fast:
            begun, before = time.monotonic(), fast.value
            rates["readers"].append(frame_rate(page, seconds))
            seen = (fast.value - before) / (time.monotonic() - begun)
            memory.append(resident_mib(process))
        tell(f"round {number} of {rounds}: {rates['nobody'][-1]:.2f} fps alone, "
             f"{rates['readers'][-1]:.2f} watched")  # fmt: skip
    return {
        "fps": {name: [round(value, 2) for value in values] for name, values in rates.items()},
        "fast_reader_fps": round(seen, 1),
        "resident_mib": [round(value, 1) for value in memory],
    }


def measure_changes(page: httpx.Client) -> dict[str, Any]:
    """What a change of style takes, and what was dropped meanwhile."""
    with pictures(_port(page)) as stream:
        looks = {style: _look_of(page, stream, style) for style in STYLES}  # and both are encoded
        before = camera(page)
        latencies = []
        for number in range(CHANGES):
            latencies.append(_change(page, stream, looks, STYLES[number % len(STYLES)]))
            time.sleep(0.1 + 0.37 * (number % 3))  # at any moment between two frames
            tell(f"change {number + 1} of {CHANGES}: {1e3 * latencies[-1]:.0f} ms")
        after = camera(page)
    return {
        "style_ms": [round(1e3 * value) for value in latencies],
        "infer_p50_ms": after["stages"]["infer"]["p50_ms"],
        "shown": after["shown"] - before["shown"],
        "dropped": sum(after["dropped"].values()) - sum(before["dropped"].values()),
    }


def table(result: dict[str, Any]) -> str:
    """The result as text."""
    alone, watched = (statistics.median(values) for values in result["fps"].values())
    ratios = [b / a for a, b in zip(*result["fps"].values(), strict=True)]
    memory = result["resident_mib"]
    style = sorted(result["style_ms"])
    return "\n".join(
        [
            f"{result['size']}, {len(ratios)} rounds, medians",
            f"  nobody looks                {alone:7.2f} fps  x1.000",
            f"  20 slow readers, one fast   {watched:7.2f} fps  x{statistics.median(ratios):.3f}"
            f"  (rounds x{min(ratios):.3f} to x{max(ratios):.3f})",
            f"  the fast reader sees        {result['fast_reader_fps']:7.2f} fps",
            f"  memory of the line          {memory[0]:7.1f} MiB in the first round, "
            f"{memory[-1]:.1f} in the last",
            f"{result['camera_fps']:g} frames a second, the network takes "
            f"{result['infer_p50_ms']:.0f} ms a frame",
            f"  change of style shows after {style[len(style) // 2]:7d} ms at the median, "
            f"{style[-1]} at worst, of {len(style)}",
            f"  dropped meanwhile           {result['dropped']:7d} of "
            f"{result['shown'] + result['dropped']} frames",
        ]
    )


def tell(text: str) -> None:
    """Tell how far it is."""
    print(text, file=sys.stderr, flush=True)


@contextlib.contextmanager
def running_line(uri: str) -> Iterator[tuple[int, httpx.Client]]:
    """Run a line. Gives its process and its page."""
    words = ["-m", "hsi.runtime.cli", uri, "-o", "http://@:0/?readers=64", "-q"]
    with subprocess.Popen([sys.executable, *words], stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        try:
            notice = process.stderr.readline()
            found = re.search(r"http://127.0.0.1:\d+", notice)
            if found is None:
                sys.exit(f"the line does not start: {notice}")
            with httpx.Client(base_url=found[0], timeout=60) as page:
                yield process.pid, page
        finally:
            process.terminate()


def frame_rate(page: httpx.Client, seconds: float) -> float:
    """Frames a second that the line makes."""
    begun, before = next_shown(page)
    time.sleep(seconds)
    ended, after = next_shown(page)
    return (after - before) / (ended - begun)


def next_shown(page: httpx.Client) -> tuple[float, int]:
    """Wait for a frame. Returns when it was shown, and how many there are: no part of one is lost
    to the beginning or the end of a measurement."""
    before = camera(page)["shown"]
    while (now := camera(page)["shown"]) == before:
        time.sleep(0.003)
    return time.monotonic(), int(now)


def camera(page: httpx.Client) -> dict[str, Any]:
    """The status of the line's camera."""
    return dict(page.get("/api/v1/status").json()["cameras"][0])


def change_style(page: httpx.Client, style: str) -> None:
    """Ask for a style."""
    page.patch("/api/v1/settings", json={"styles": [{"style": style}]}).raise_for_status()


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


def _change(
    page: httpx.Client,
    stream: ClientConnection,
    looks: dict[str, npt.NDArray[np.float64]],
    style: str,
) -> float:
    """Seconds from the order to the first picture in the style."""
    begun = time.monotonic()
    change_style(page, style)
    while _nearest(looks, _colour(next_picture(stream, "stylised"))) != style:
        pass
    return time.monotonic() - begun


def _port(page: httpx.Client) -> int:
    assert page.base_url.port is not None
    return page.base_url.port


def _look_of(page: httpx.Client, stream: ClientConnection, style: str) -> npt.NDArray[np.float64]:
    change_style(page, style)
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
