"""The control page of one run, from its port to its end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import socket
import threading
from types import TracebackType

import uvicorn

from hsi.runtime.control.app import control_app
from hsi.runtime.control.options import ControlOptions
from hsi.runtime.control.room import Room
from hsi.runtime.control.shelf import StyleShelf
from hsi.runtime.errors import HsiError, OutputError
from hsi.runtime.live_run import LiveRun

logger = logging.getLogger(__name__)

_SEND_BUFFER = 64 * 1024  # bytes in the kernel: what a slow reader sees is hardly older than it
_MESSAGE_BYTES = 64 * 1024
_WATCH_S = 5.0
_END_S = 1.8
_REST_S = 0.5


class ControlPage:
    """Serves the page in a thread of its own. See :class:`hsi.runtime.attachment.Attachment`.

    Args:
        options: Where and to how many.

    Raises:
        OutputError: The port cannot be had.
    """

    def __init__(self, options: ControlOptions) -> None:
        self._options = options
        self._token = None if options.loopback else secrets.token_urlsafe(24)
        self._socket = _bound(options)
        self.port: int = self._socket.getsockname()[1]
        self.name = f"http://{options.url_host}:{self.port}/"
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def notice(self) -> str:
        """What the user must be told once, on the terminal and in no log: it holds the token."""
        host = self._options.url_host
        if self._options.bind in ("0.0.0.0", "::"):
            host = _own_address()
        query = "" if self._token is None else f"?token={self._token}"
        return f"control page: http://{host}:{self.port}/{query}"

    def attach(self, live: LiveRun) -> None:
        """Serve it from now on."""
        self._socket.listen()  # whoever comes before the thread is ready waits a moment
        self._thread = threading.Thread(
            target=self._run, args=(live,), name="hsi-control", daemon=True
        )
        self._thread.start()

    def __enter__(self) -> ControlPage:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End it; open pages notice and wait for the next run."""
        if self._server is not None:
            self._server.should_exit = True
        if self._thread is not None:
            self._thread.join(_END_S)
        self._socket.close()

    def _run(self, live: LiveRun) -> None:
        try:
            asyncio.run(self._serve(live))
        except Exception:
            logger.warning("%s: has failed, the line goes on without it", self.name)
            logger.debug("fault", exc_info=True)

    async def _serve(self, live: LiveRun) -> None:
        shelf = await asyncio.to_thread(StyleShelf)
        room = Room(
            live, shelf, folder=self._options.folder.absolute(), places=self._options.readers
        )
        app = control_app(room, token=self._token, cookie=f"hsi-{self.port}")
        config = uvicorn.Config(
            app,
            log_config=None,  # a library does not set up logging
            log_level="critical",  # its other lines may hold headers, and they the token
            access_log=False,
            lifespan="off",
            http="h11",
            ws="websockets-sansio",
            ws_max_size=_MESSAGE_BYTES,
            ws_per_message_deflate=False,  # a JPEG does not get smaller, and costs as much again
            server_header=False,
            timeout_graceful_shutdown=1,
        )
        self._server = uvicorn.Server(config)
        beside = [asyncio.ensure_future(one) for one in (_watch(room), _prepare(live, shelf))]
        try:
            await self._server.serve(sockets=[self._socket])
        finally:
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)
            room.close()


async def _watch(room: Room) -> None:
    while True:
        await asyncio.sleep(_WATCH_S)
        await asyncio.to_thread(room.recordings.end_overlong)


async def _prepare(live: LiveRun, shelf: StyleShelf) -> None:
    # The first click on a style shall show as soon as the second; the line must not feel it.
    for style in shelf.styles:
        with contextlib.suppress(HsiError):
            await asyncio.to_thread(live.prepare_style, style.word)
        await asyncio.sleep(_REST_S)


def _own_address() -> str:
    """Return what others are likely to reach this machine by."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            # Nothing is sent: it is asked from which address something would be.
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return socket.gethostname()
        return str(probe.getsockname()[0])


def _bound(options: ControlOptions) -> socket.socket:
    family = socket.AF_INET6 if ":" in options.bind else socket.AF_INET
    found = socket.socket(family, socket.SOCK_STREAM)
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Connections inherit it.
        found.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
        found.bind((options.bind, options.port))
    except OSError as error:
        found.close()
        raise OutputError(
            f"http://{options.url_host}:{options.port}/: cannot be served: {error.strerror}: "
            "choose another port or address"
        ) from error
    return found
