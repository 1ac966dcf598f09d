"""No request is larger than what it can be for."""

from __future__ import annotations

import contextlib
import json

import anyio
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hsi.runtime.errors import OptionError

_LINGER_S = 5.0


class BodyTooLarge(OptionError):
    """More came than a body may have."""


class BodyLimit:
    """Refuses bodies by what they announce, and cuts off those that announce nothing.

    Args:
        app: What gets the rest.
        most: Bytes of any body.
    """

    def __init__(self, app: ASGIApp, *, most: int) -> None:
        self._app = app
        self._most = most
        self._text = f"body: expected at most {most} bytes, found more: send a smaller picture"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        announced = Headers(scope=scope).get("content-length", "0")
        if not announced.isdigit() or len(announced) > 18 or int(announced) > self._most:
            await self._refuse(receive, send)
            return
        seen = 0
        begun = False

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > self._most:
                raise BodyTooLarge(self._text)
            return message

        async def noted(message: Message) -> None:
            nonlocal begun
            # The answer to half a body is not the one that lingers.
            if seen <= self._most or begun:
                begun = True
                await send(message)

        with contextlib.suppress(BodyTooLarge):
            await self._app(scope, counted, noted)
        if seen > self._most and not begun:
            await self._refuse(receive, send)

    async def _refuse(self, receive: Receive, send: Send) -> None:
        body = json.dumps({"error": self._text}).encode()
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
            (b"connection", b"close"),
        ]
        await send({"type": "http.response.start", "status": 413, "headers": headers})
        await send({"type": "http.response.body", "body": body, "more_body": True})
        # Many read no answer before they have sent all: to hang up on them would lose the line.
        with anyio.move_on_after(_LINGER_S):
            while (await receive()).get("more_body", False):
                pass
        await send({"type": "http.response.body"})
