"""The control page as an ASGI application."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from hsi.runtime.control import camera_routes, line_routes, sockets, style_routes
from hsi.runtime.control.access import Access
from hsi.runtime.control.body_limit import BodyLimit
from hsi.runtime.control.refusal import failed, not_routed, refusals, refused
from hsi.runtime.control.room import Room
from hsi.runtime.control.upload import MAX_BYTES
from hsi.runtime.errors import HsiError

_STATIC = Path(str(resources.files("hsi.runtime.control"))) / "static"
_ABOUT = """\
See a running line and steer it. Without `--bind` only this machine is answered and no token is
needed; else send the token that `hsi-run` printed as `Authorization: Bearer TOKEN`.

Two WebSockets belong to it, described in `docs/control.md`: `/api/v1/live` tells the status and
takes the same orders, `/api/v1/cameras/{number}/pictures` sends a picture for each request.
"""


def control_app(room: Room, *, token: str | None, cookie: str = "hsi") -> ASGIApp:
    """Return the page, its API and what guards them.

    Args:
        room: What the requests share.
        token: What requests must carry; None: they must come from this machine.
        cookie: The name of the cookie that carries it.
    """
    app = FastAPI(
        title="HSI Edge control page",
        version="1",
        description=_ABOUT,
        openapi_url="/api/v1/openapi.json",
        docs_url=None,  # they would be fetched from elsewhere
        redoc_url=None,
    )
    app.state.room = room
    api = APIRouter(prefix="/api/v1", responses=refusals())
    for part in (line_routes, style_routes, camera_routes, sockets):
        api.include_router(part.router)
    app.include_router(api)
    for kind in (HsiError, RequestValidationError):
        app.add_exception_handler(kind, refused)
    app.add_exception_handler(HTTPException, not_routed)
    app.add_exception_handler(Exception, failed)
    app.add_api_route("/", _index, include_in_schema=False)
    app.mount("/static", StaticFiles(directory=_STATIC))
    return Access(BodyLimit(app, most=MAX_BYTES), token=token, cookie=cookie)


async def _index(request: Request) -> FileResponse:
    # Asked for anew each time: after an update nobody shall see half of an old page.
    return FileResponse(_STATIC / "index.html", headers={"cache-control": "no-cache"})
