"""A real RTSP camera for tests: GStreamer's server, in a process of its own.

    python3 rtsp_server.py PORT WIDTHxHEIGHT FPS [h264|jpeg]

Run by the system's Python, which has GStreamer's bindings (Debian: python3-gi and
gir1.2-gst-rtsp-server-1.0). Serves a moving ball at `rtsp://127.0.0.1:PORT/live`, says `ready`,
and ends with its standard input.
"""

import sys
import threading

import gi  # type: ignore[import-not-found]

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # type: ignore[import-not-found]  # noqa: E402

ENCODERS = {
    "h264": "x264enc tune=zerolatency speed-preset=ultrafast key-int-max={fps} ! "
    "rtph264pay name=pay0 pt=96 config-interval=-1",
    "jpeg": "jpegenc ! rtpjpegpay name=pay0 pt=26",
}


def main() -> None:
    """Serve until the standard input ends."""
    port, size, fps = sys.argv[1:4]
    encoder = ENCODERS[sys.argv[4] if len(sys.argv) > 4 else "h264"].format(fps=fps)
    width, height = size.split("x")
    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(port)
    factory = GstRtspServer.RTSPMediaFactory()
    # A shared media whose first client vanished may refuse the next one.
    factory.set_shared(False)
    factory.set_launch(
        "( videotestsrc is-live=true pattern=ball ! "
        f"video/x-raw,format=I420,width={width},height={height},framerate={fps}/1 ! {encoder} )"
    )
    server.get_mount_points().add_factory("/live", factory)
    server.attach(None)
    loop = GLib.MainLoop()
    threading.Thread(target=lambda: (sys.stdin.read(), loop.quit()), daemon=True).start()
    print("ready", flush=True)
    loop.run()


if __name__ == "__main__":
    main()
