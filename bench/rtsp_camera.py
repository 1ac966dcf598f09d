"""A real RTSP camera that can be killed, frozen and started again: GStreamer's server.

The server runs in a process of its own, in a Python that has GStreamer's bindings (Debian:
python3-gi and gir1.2-gst-rtsp-server-1.0), which need not be this one. It shows a white ball of 20
pixels' radius that moves on black.
"""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

from bench.camera_process import CameraProcess
from bench.port import free_port

NEEDED = (
    "GStreamer's RTSP server is not there: apt-get install python3-gi "
    "gir1.2-gst-rtsp-server-1.0 gstreamer1.0-plugins-base gstreamer1.0-plugins-good "
    "gstreamer1.0-plugins-ugly"
)

_START = "import sys; sys.path[:0] = [sys.argv[1]]; from bench import rtsp_camera as c; c.serve()"


class RtspCamera(CameraProcess):
    """A camera at `uri`, not there until it is started.

    Args:
        python: What :func:`python_with_gstreamer` found.
    """

    def __init__(self, python: str) -> None:
        self._python = python
        self.port = free_port()
        self.uri = f"rtsp://127.0.0.1:{self.port}/live"

    def start(self, size: str = "160x120", fps: int = 15, *, sliced: bool = False) -> None:
        """Start it and wait until it serves.

        Args:
            size: `WIDTHxHEIGHT` in pixels.
            fps: Frames a second; a key frame comes every second.
            sliced: Whether a frame has two slices, each with its own parameter sets.
        """
        words = [str(Path(__file__).parents[1]), str(self.port), *size.split("x"), str(fps)]
        words.append("sliced" if sliced else "whole")
        self._process = subprocess.Popen(
            [self._python, "-c", _START, *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        if self._process.stdout.readline() != "ready\n":
            raise RuntimeError(f"the camera at {self.uri} does not start: {NEEDED}")


def python_with_gstreamer() -> str | None:
    """Return a Python that has GStreamer's RTSP server, this one or the system's, or None."""
    code = "import gi; gi.require_version('GstRtspServer', '1.0')"
    for python in (sys.executable, "/usr/bin/python3"):
        found = Path(python).exists()
        if found and not subprocess.run([python, "-c", code], capture_output=True).returncode:
            return python
    return None


def serve() -> None:
    """Serve in this process until its standard input ends; `ready` says that it does."""
    import gi  # type: ignore[import-not-found]

    gi.require_version("Gst", "1.0")
    gi.require_version("GstRtspServer", "1.0")
    from gi.repository import GLib, Gst, GstRtspServer  # type: ignore[import-not-found]

    port, width, height, fps = sys.argv[2:6]
    sliced = sys.argv[6] == "sliced"
    slices = "sliced-threads=true threads=2" if sliced else "sliced-threads=false threads=1"
    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(port)
    factory = GstRtspServer.RTSPMediaFactory()
    # A shared media whose first client vanished may refuse the next one.
    factory.set_shared(False)
    factory.set_launch(
        "( videotestsrc is-live=true pattern=ball ! "
        f"video/x-raw,format=I420,width={width},height={height},framerate={fps}/1 ! "
        f"x264enc tune=zerolatency speed-preset=ultrafast {slices} key-int-max={fps} ! "
        "rtph264pay name=pay0 pt=96 config-interval=-1 )"
    )
    server.get_mount_points().add_factory("/live", factory)
    server.attach(None)
    loop = GLib.MainLoop()
    threading.Thread(target=lambda: (sys.stdin.read(), loop.quit()), daemon=True).start()
    print("ready", flush=True)
    loop.run()
