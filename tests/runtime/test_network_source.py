"""Network streams against a real HTTP server in this process."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import cv2
import numpy as np
import pytest

from hsi.runtime.errors import SourceError
from hsi.runtime.event import Event, EventKind
from hsi.runtime.feed import Feed
from hsi.runtime.null_output import NullOutput
from hsi.runtime.pipeline import run_feeds
from hsi.runtime.run_options import RunOptions
from hsi.runtime.source import Source, SourceLost, SourceOptions, open_source

QUICK = SourceOptions(open_timeout_s=5.0, read_timeout_s=0.5)


class CameraServer(ThreadingHTTPServer):
    """Serves `/live` (MJPEG without end), `/stall`, `/end`, `/file` and refuses `/locked`."""

    daemon_threads = True
    block_on_close = False  # a stalled stream would hold the test

    def __init__(self, clip: Path) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.clip = clip
        self.leave = threading.Event()

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    server: CameraServer

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        try:
            self.answer()
        except (BrokenPipeError, ConnectionResetError):
            pass  # the client has left, as it may

    def answer(self) -> None:
        if self.path == "/file":
            return self.send_file()
        if self.path == "/locked":
            return self.send_error(401)
        if self.path == "/live":
            return self.send_pictures(None)
        if self.path in ("/stall", "/end"):
            self.send_pictures(30)
            if self.path == "/stall":
                self.server.leave.wait()
            return None
        return self.send_error(404)

    def send_file(self) -> None:
        data = self.server.clip.read_bytes()
        self.send_response(200)
        self.send_header("Content-Type", "video/mp4")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def send_pictures(self, count: int | None) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        self.end_headers()
        number = 0
        while number != count and not self.server.leave.is_set():
            image = np.full((64, 96, 3), number * 7 % 256, np.uint8)
            data = cv2.imencode(".jpg", image)[1].tobytes()
            head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(data)}\r\n\r\n"
            self.wfile.write(head.encode() + data + b"\r\n")
            number += 1
            time.sleep(0.01)


@pytest.fixture
def server(clip: Path) -> Iterator[CameraServer]:
    with CameraServer(clip) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server
        server.leave.set()
        server.shutdown()
        thread.join()


def test_a_stream_without_end_is_live(server: CameraServer) -> None:
    with open_source(f"http://me:pw@{server.host}/live", options=QUICK) as source:
        assert source.live
        assert (source.size, source.frame_count) == ((96, 64), None)
        frames = [source.read(1) for _ in range(5)]
    times = [frame.time_s for frame in frames if frame is not None]
    assert len(times) == 5
    assert times == sorted(times)
    assert {frame.source for frame in frames if frame} == {f"http://***@{server.host}/live"}


def test_a_file_over_http_has_an_end_and_its_own_times(server: CameraServer) -> None:
    with open_source(f"http://{server.host}/file", options=QUICK) as source:
        assert not source.live
        frames = [source.read(1) for _ in range(20)]
    assert [f.time_s for f in frames if f] == pytest.approx([n / 25 for n in range(20)])


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("stall", r"the stream was lost after \d+ frames: no data in time: check the camera"),
        ("end", r"stream (was lost )?after 30 frames: .*check the camera"),
    ],
)
def test_a_stream_that_falls_silent_or_ends_is_lost(
    server: CameraServer, path: str, message: str
) -> None:
    with (
        open_source(f"http://{server.host}/{path}", options=QUICK) as source,
        pytest.raises(SourceLost, match=message),
    ):
        while True:
            source.read(1)


@pytest.mark.parametrize(
    ("path", "message"),
    [("locked", "Server returned 401 Unauthorized"), ("gone", "Server returned 404 Not Found")],
)
def test_a_refusal_is_told_without_the_password(
    server: CameraServer, path: str, message: str
) -> None:
    with pytest.raises(SourceError, match=message) as caught:
        open_source(f"http://me:hunter2@{server.host}/{path}", options=QUICK)
    assert str(caught.value).startswith(f"http://***@{server.host}/{path}: cannot open it:")
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


@pytest.mark.parametrize("scheme", ["http", "rtsp"])
def test_a_server_that_is_not_there_is_told_without_the_password(scheme: str) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        uri = f"{scheme}://me:hunter2@127.0.0.1:{closed.getsockname()[1]}/x"
        with pytest.raises(SourceError, match=r"^[a-z]+://\*\*\*@.*Connection refused") as caught:
            open_source(uri, options=QUICK)
    assert "hunter2" not in str(caught.value)


def test_a_server_that_never_answers_is_given_up_in_time() -> None:
    options = SourceOptions(open_timeout_s=0.5, read_timeout_s=0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        started = time.monotonic()
        with pytest.raises(SourceError, match=r"cannot open it: no answer in 0\.5 s"):
            open_source(f"rtsp://127.0.0.1:{silent.getsockname()[1]}/x", options=options)
    assert time.monotonic() - started < 5


def test_a_lost_stream_tells_no_password(server: CameraServer) -> None:
    def read_to_the_end() -> Callable[[], object]:
        with open_source(f"http://me:hunter2@{server.host}/stall", options=QUICK) as source:
            while True:
                source.read(1)

    with pytest.raises(SourceLost, match=r"http://\*\*\*@") as caught:
        read_to_the_end()
    assert "hunter2" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_a_stream_over_http_that_ends_again_and_again_is_opened_again(server: CameraServer) -> None:
    def opened() -> Source:
        return open_source(f"http://{server.host}/end", options=QUICK)

    feed = Feed(
        name="camera",
        sources=(opened() for _ in range(1)),
        reopen=opened,
        stylize=lambda frame: frame.image,
        outputs=[NullOutput()],
    )
    stop, returns = threading.Event(), list[Event]()

    def hear(event: Event) -> None:
        returns.extend([event] if event.kind is EventKind.RETURNED else [])
        if len(returns) == 3:
            stop.set()

    options = RunOptions(back_off_s=(0.05, 0.1), duration_s=30)
    summary = run_feeds([feed], options, stop=stop, on_event=hear)
    assert summary.event_counts["returned"] == 3
    assert summary.captured > 60
    assert summary.captured == summary.shown + sum(summary.dropped.values())
