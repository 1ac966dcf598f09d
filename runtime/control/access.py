"""Who may speak to the control page: decided before anything else looks at a request."""

from __future__ import annotations

import json
import secrets
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "::1")
_HEADERS = {
    # Everything comes from this server; nothing in the page's text can become a program.
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
        "connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}


class Access:
    """Lets through who has the token, from pages of our own; answers all others with one line.

    Without a token the page is for this machine alone: then requests must name it, so that no
    page from elsewhere reaches it through a name that resolves to here (DNS rebinding).

    Args:
        app: What is guarded.
        token: What a request must carry, as a cookie or as `Authorization: Bearer`; None: nothing.
        cookie: The name of the cookie. Cookies are shared by all ports of a host.
    """

    def __init__(self, app: ASGIApp, *, token: str | None, cookie: str) -> None:
        self._app = app
        self._token = token
        self._cookie = cookie

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] not in ("http", "websocket"):
            return
        headers = Headers(scope=scope)
        send = _guarded(send)
        refusal = _stranger(scope, headers, local=self._token is None)
        if refusal is not None:
            await _refuse(scope, send, 403, refusal)
        elif self._token is None or self._carries_token(headers):
            await self._app(scope, receive, send)
        elif self._is_invited(scope):
            await self._welcome(send)
        else:
            await _refuse(
                scope, send, 401, "token: expected the one printed at the start, found none or "
                "another: open the address that hsi-run printed",
            )  # fmt: skip

    def _carries_token(self, headers: Headers) -> bool:
        scheme, _, bearer = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and self._is_token(bearer.strip()):
            return True
        try:
            jar = SimpleCookie(headers.get("cookie", ""))
        except CookieError:
            return False
        return self._cookie in jar and self._is_token(jar[self._cookie].value)

    def _is_invited(self, scope: Scope) -> bool:
        if scope["type"] != "http" or scope["method"] != "GET" or scope["path"] != "/":
            return False
        query = parse_qs(scope["query_string"].decode("latin-1"))
        return self._is_token(query.get("token", [""])[0])

    def _is_token(self, text: str) -> bool:
        assert self._token is not None
        return secrets.compare_digest(text.encode("utf-8", "replace"), self._token.encode())

    async def _welcome(self, send: Send) -> None:
        # The token leaves the address at once: addresses are kept in histories and seen by others.
        cookie = f"{self._cookie}={self._token}; HttpOnly; SameSite=Lax; Path=/; Max-Age=31536000"
        headers = [
            (b"location", b"/"),
            (b"set-cookie", cookie.encode()),
            (b"content-length", b"0"),
        ]
        await send({"type": "http.response.start", "status": 303, "headers": headers})
        await send({"type": "http.response.body"})


def _stranger(scope: Scope, headers: Headers, *, local: bool) -> str | None:
    """Return why a request is none of ours, or None."""
    host = headers.get("host", "")
    if local and _host_name(host) not in _LOOPBACK_HOSTS:
        return "Host: expected localhost, found another: open the address that hsi-run printed"
    origin = headers.get("origin")
    # Browsers name the page that sends a change, and may not be told to lie.
    if origin is not None and (not host or _netloc(origin) != host.lower()):
        return "Origin: expected this page, found another: other pages may not steer the line"
    if headers.get("sec-fetch-site") in ("cross-site", "same-site") and not _is_visit(scope):
        return "Sec-Fetch-Site: expected this page, found another: other pages may not embed this"
    return None


def _is_visit(scope: Scope) -> bool:
    """Whether it is somebody who follows a link to the page, which may stand anywhere."""
    return bool(scope["type"] == "http" and scope["method"] == "GET" and scope["path"] == "/")


def _host_name(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _netloc(origin: str) -> str:
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""


async def _refuse(scope: Scope, send: Send, status: int, text: str) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008})
        return
    body = json.dumps({"error": text}).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _guarded(send: Send) -> Send:
    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers[name] = value
            headers.setdefault("cache-control", "no-store")
        await send(message)

    return send_with_headers
