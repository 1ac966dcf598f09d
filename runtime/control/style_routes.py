"""The API's part about styles on offer."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from hsi.runtime.control.models import ShelfItem, StyleKey
from hsi.runtime.control.refusal import refusals
from hsi.runtime.control.room import TheRoom
from hsi.runtime.control.shelf import ShelfStyle
from hsi.runtime.control.upload import MAX_BYTES
from hsi.runtime.errors import SourceError

_KINDS = ("image/jpeg", "image/png", "image/webp")
_BINARY = {"schema": {"type": "string", "format": "binary", "maxLength": MAX_BYTES}}

router = APIRouter(tags=["styles"])


@router.get("/styles")
def get_styles(room: TheRoom) -> list[ShelfItem]:
    """The styles on offer."""
    return [_item(style) for style in room.desk.shelf.styles]


@router.post(
    "/styles",
    status_code=201,
    responses=refusals(400, 409, 415),
    openapi_extra={
        "requestBody": {"required": True, "content": dict.fromkeys(_KINDS, _BINARY)},
    },
)
async def add_style(
    request: Request,
    room: TheRoom,
    title: Annotated[str, Query(max_length=200, description="The name to show")] = "picture",
) -> ShelfItem:
    """Put a picture on the shelf, where it stays from run to run: the file itself as the body."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in _KINDS:
        raise SourceError(
            f"uploaded picture: expected a content-type of {', '.join(_KINDS)}, found another: "
            "give a picture"
        )
    async with room.uploading:
        style = await run_in_threadpool(room.desk.add_style, await request.body(), title)
    return _item(style)


@router.delete("/styles/{key}", status_code=204, responses=refusals(404, 409))
def remove_style(key: Annotated[StyleKey, Path()], room: TheRoom) -> None:
    """Take an uploaded picture off the shelf. A line that uses it goes on with it."""
    room.desk.shelf.remove(key)


@router.get(
    "/styles/{key}/thumbnail",
    response_class=Response,
    responses={200: {"content": {"image/jpeg": _BINARY}}, **refusals(404)},
)
def get_thumbnail(key: Annotated[StyleKey, Path()], room: TheRoom) -> Response:
    """A small square picture of a style."""
    jpeg = room.desk.shelf.find(key).thumbnail
    return Response(jpeg, media_type="image/jpeg", headers={"cache-control": "max-age=3600"})


def _item(style: ShelfStyle) -> ShelfItem:
    return ShelfItem(
        key=style.key,
        title=style.title,
        uploaded=style.uploaded,
        thumbnail=f"/api/v1/styles/{style.key}/thumbnail",
    )
