"""A line as an OPC UA server, in a thread of its own."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import logging
import socket
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from asyncua import Server, ua
from asyncua.common.connection import TransportLimits
from asyncua.crypto.permission_rules import User, UserRole

from hsi.runtime.errors import HsiError, OptionError, OutputError
from hsi.runtime.event import Event
from hsi.runtime.live_run import LiveRun
from hsi.runtime.plant.command import recipe_named
from hsi.runtime.plant.opcua_options import OpcUaOptions
from hsi.runtime.plant.recipe_nodes import NOT_POSSIBLE
from hsi.runtime.plant.recipes import recipes_from
from hsi.runtime.plant.vision_state import VisionState
from hsi.runtime.plant.vision_system import VisionSystem

logger = logging.getLogger(__name__)

NO_SUCH_RECIPE = -1
OUT_OF_RANGE = -3

_EVERY_S = 0.5  # between two looks at the line
_START_S = 60  # the standard's thousands of nodes, on a small machine
_LEAVE_S = 1.8
_CHUNK_BYTES = 65535
_MESSAGE_BYTES = 4 << 20
_CONNECTIONS = 50


class OpcUaServer:
    """Listens from when it is made, and shows the line from `attach` on.

    Args:
        options: Where, and who may come.

    Raises:
        OutputError: The port cannot be had.
    """

    def __init__(self, options: OpcUaOptions) -> None:
        _check_port(options)
        self._options = options
        self.name = options.name
        self._live: LiveRun | None = None
        self._recipes: dict[str, str] = {}
        self._leaving = asyncio.Event()
        self._started: Future[None] = Future()
        self._thread = threading.Thread(target=self._run, name="opcua", daemon=True)
        self._thread.start()
        self._started.result(_START_S)

    def attach(self, live: LiveRun) -> None:
        """Show the line and obey commands."""
        words = [word for word, _ in live.status().styles]
        self._recipes = recipes_from(self._options.styles, words)
        self._live = live
        asyncio.run_coroutine_threadsafe(self._follow(live), self._loop)

    def __enter__(self) -> OpcUaServer:
        return self

    def __exit__(self, *reason: object) -> None:
        """Say that the line is halted, and close."""
        self._live = None
        with contextlib.suppress(RuntimeError):  # its thread has ended
            self._loop.call_soon_threadsafe(self._leaving.set)
        self._thread.join(_LEAVE_S)

    def _run(self) -> None:
        # A client that talks nonsense is no news for a line's log, least of all as a traceback.
        logging.getLogger("asyncua").setLevel(logging.CRITICAL)
        try:
            asyncio.run(self._serve())
        except Exception as error:
            if self._started.done():
                logger.warning("%s: ended: %s: %s", self.name, type(error).__name__, error)
            else:
                self._started.set_exception(_no_port(self.name, error))

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        server = Server(user_manager=_Door(self._options))  # type: ignore[arg-type]
        await server.init()
        server.set_server_name("HSI Edge")
        server.set_endpoint(self.name)
        server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
        known = self._options.user is not None
        server.set_identity_tokens(
            [ua.UserNameIdentityToken if known else ua.AnonymousIdentityToken]
        )
        chunks = _MESSAGE_BYTES // _CHUNK_BYTES
        server.limits = TransportLimits(_CHUNK_BYTES, _CHUNK_BYTES, chunks, _MESSAGE_BYTES)
        server.iserver.max_connections = _CONNECTIONS
        self._system = VisionSystem(
            server,
            self._choose,
            self._change(lambda live, value: live.set_strength(value)),
            self._change(lambda live, value: live.set_stability(value)),
        )
        await self._system.install()
        async with server:
            self._started.set_result(None)
            await self._leaving.wait()
            await self._system.enter(VisionState.Halted, None)

    async def _follow(self, live: LiveRun) -> None:
        """Look at the line until it ends."""
        await self._guarded(self._system.begin(live.status(), self._recipes))
        unsubscribe = live.subscribe(self._note_event)
        try:
            while not self._leaving.is_set():
                await self._guarded(self._system.show(live.status()))
                with contextlib.suppress(asyncio.TimeoutError):
                    await asyncio.wait_for(self._leaving.wait(), _EVERY_S)
        finally:
            unsubscribe()

    def _note_event(self, event: Event) -> None:
        with contextlib.suppress(RuntimeError):  # the server is closed
            asyncio.run_coroutine_threadsafe(self._guarded(self._system.tell(event)), self._loop)

    async def _guarded(self, done: Any) -> None:
        try:
            await done
        except Exception as error:
            logger.warning("%s: %s: %s", self.name, type(error).__name__, error)

    async def _choose(self, name: str) -> int:
        """Set a recipe. Encoding takes a while: in a thread, for other clients' sake."""
        live = self._live
        if live is None:
            return NOT_POSSIBLE
        try:
            word = recipe_named(name, self._recipes)
        except OptionError as error:
            logger.info("%s: %s", self.name, error)
            return NO_SUCH_RECIPE
        try:
            await asyncio.to_thread(live.set_style, word)
        except HsiError as error:
            logger.warning("%s: %s", self.name, error)
            return NOT_POSSIBLE
        await self._system.show(live.status())
        return 0

    def _change(self, change: Callable[[LiveRun, float], None]) -> Any:
        async def changed(value: float) -> int:
            live = self._live
            if live is None:
                return NOT_POSSIBLE
            try:
                change(live, value)
            except OptionError as error:
                logger.info("%s: %s", self.name, error)
                return OUT_OF_RANGE
            await self._system.show(live.status())
            return 0

        return changed


class _Door:
    """Lets in who knows the password, or everybody where there is none."""

    def __init__(self, options: OpcUaOptions) -> None:
        self._user, self._password = options.user, options.password

    def get_user(
        self,
        iserver: Any,
        username: str | None = None,
        password: str | None = None,
        certificate: Any = None,
    ) -> User | None:
        if self._user is None or self._password is None:
            return User(role=UserRole.User)
        same = [
            hmac.compare_digest((found or "").encode(), wanted.encode())
            for found, wanted in ((username, self._user), (password, self._password))
        ]
        return User(role=UserRole.User) if all(same) else None


def _check_port(options: OpcUaOptions) -> None:
    """Bind the port for a moment: asyncua reports one that is taken with a traceback."""
    try:
        family, *_, address = socket.getaddrinfo(
            options.host, options.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        socket.create_server(address[:2], family=family).close()
    except OSError as error:
        raise _no_port(options.name, error) from error


def _no_port(name: str, error: Exception) -> OutputError:
    reason = getattr(error, "strerror", None) or f"{type(error).__name__}: {error}"
    return OutputError(
        f"--opcua {name}: cannot listen there: {reason}: end who has the port, or choose another"
    )
