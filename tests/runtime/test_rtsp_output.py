"""Frames pushed to a real RTSP server, GStreamer's, which writes down what it gets."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from hsi.runtime.errors import OptionError, OutputError
from hsi.runtime.frame import Frame
from hsi.runtime.output import Skipped, open_output
from hsi.runtime.rtsp_output import RtspOutput

SERVER = """
import sys, threading, gi
gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer
Gst.init(None)
server = GstRtspServer.RTSPServer()
server.set_address("127.0.0.1")
server.set_service(sys.argv[1])
factory = GstRtspServer.RTSPMediaFactory()
factory.set_transport_mode(GstRtspServer.RTSPTransportMode.RECORD)
factory.set_launch(
    "( rtph264depay name=depay0 ! video/x-h264,stream-format=byte-stream ! "
    "filesink async=false sync=false buffer-mode=unbuffered location=" + sys.argv[2] + " )"
)
server.get_mount_points().add_factory("/line", factory)
server.attach(None)
loop = GLib.MainLoop()
threading.Thread(target=lambda: (sys.stdin.read(), loop.quit()), daemon=True).start()
print("ready", flush=True)
loop.run()
"""


class Server:
    """A server at `uri`, not there until it is started."""

    def __init__(self, python: str, folder: Path) -> None:
        self._python = python
        self._folder = folder
        self._process: subprocess.Popen[str] | None = None
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self.uri = f"rtsp://127.0.0.1:{self.port}/line"

    def start(self) -> Path:
        """Start it. Returns the file it will write."""
        path = self._folder / f"{time.monotonic_ns()}.h264"
        self._process = subprocess.Popen(
            [self._python, "-c", SERVER, str(self.port), str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "ready\n"
        return path

    def kill(self) -> None:
        if self._process is not None:
            with self._process as process:
                process.kill()
            self._process = None


@pytest.fixture
def server(gst_python: str, tmp_path: Path) -> Iterator[Server]:
    made = Server(gst_python, tmp_path)
    yield made
    made.kill()


def _frame(number: int, size: tuple[int, int] = (160, 120)) -> Frame:
    image = np.full((size[1], size[0], 3), number % 200, np.uint8)
    return Frame(image=image, number=number, time_s=number / 30, source="a")


def _push(output: RtspOutput, numbers: range) -> int:
    """Write frames at their own rate. Returns how many the output took."""
    taken = 0
    for number in numbers:
        try:
            output.write(frame := _frame(number), frame.image)
            taken += 1
        except Skipped:
            pass
        time.sleep(1 / 30)
    return taken


def _pictures(path: Path) -> list[tuple[int, int]]:
    with av.open(str(path)) as found:
        return [(picture.width, picture.height) for picture in found.decode(video=0)]


def _wait_for_data(path: Path) -> None:
    deadline = time.monotonic() + 20
    while not path.exists() or path.stat().st_size == 0:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_server_gets_every_frame(server: Server) -> None:
    path = server.start()
    with open_output(server.uri) as output:
        for number in range(20):
            output.write(frame := _frame(number), frame.image)
        output.write(frame := _frame(20, (96, 64)), frame.image)  # a camera's size changes
        _wait_for_data(path)
        time.sleep(0.5)
    server.kill()
    assert _pictures(path) == [(160, 120)] * 21


def test_a_server_that_comes_back_gets_frames_again(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    first = server.start()
    with RtspOutput(server.uri) as output:
        assert _push(output, range(10)) == 10
        _wait_for_data(first)
        server.kill()
        assert _push(output, range(10, 30)) < 20
        second = server.start()
        taken, deadline = 0, time.monotonic() + 20
        while taken < 20:
            assert time.monotonic() < deadline
            taken += _push(output, range(30, 40))
        _wait_for_data(second)
        time.sleep(0.5)
    server.kill()
    assert len(_pictures(second)) > 9
    assert "lost: " in caplog.text
    assert "takes frames again after" in caplog.text


def test_the_command_pushes_a_camera(
    server: Server, start_fake: Callable[..., subprocess.Popen[str]]
) -> None:
    path = server.start()
    run = start_fake("test://160x120@30?frames=30", "--policy", "every", "-o", server.uri)
    _, errors = run.communicate(timeout=60)
    assert run.returncode == 0, errors
    time.sleep(0.5)
    server.kill()
    assert len(_pictures(path)) >= 25


def test_where_no_server_answers_it_is_said_at_once_and_without_the_password() -> None:
    with pytest.raises(OutputError, match="no RTSP server answers: Connection refused") as raised:
        open_output("rtsp://me:hunter2@127.0.0.1:1/line")
    assert "hunter2" not in str(raised.value)


def test_a_path_that_the_server_refuses_ends_the_output(server: Server) -> None:
    server.start()
    frame = _frame(0)
    with (
        RtspOutput(server.uri.replace("/line", "/other")) as output,
        pytest.raises(OutputError, match="the server takes no stream"),
    ):
        output.write(frame, frame.image)


@pytest.mark.parametrize("address", ["rtsp://", "rtsp:///path", "rtsp://host:x/path"])
def test_an_address_without_a_host_is_refused(address: str) -> None:
    with pytest.raises(OptionError, match=r"expected rtsp://HOST\[:PORT\]/PATH"):
        open_output(address)


def test_two_cameras_cannot_share_a_server_path(hsi_run: Callable[..., Any]) -> None:
    done = hsi_run("test://", "test://", "-o", "rtsp://127.0.0.1:1/line")
    assert done.returncode == 2
    assert "rtsp://127.0.0.1:1/line-{camera}" in done.stderr
