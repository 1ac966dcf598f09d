"""The live picture as one endless answer."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Annotated, TypeAlias

import anyio
from fastapi import Query
from fastapi.responses import StreamingResponse
from pydantic import AfterValidator
from starlette.types import Message, Send

from hsi.runtime.control.live_pictures import WIDTHS, LivePicture, LivePictures, View
from hsi.runtime.control.refusal import TooMany
from hsi.runtime.control.room import Room

_PATIENCE_S = 20.0  # a reader that takes nothing for so long has left its place to others
_BOUNDARY = "hsi-picture"


def stepped(width: int) -> int:
    """Return the next of `WIDTHS` that is as wide."""
    return next((step for step in WIDTHS if step >= width), WIDTHS[-1])


Width: TypeAlias = Annotated[
    int,
    Query(
        ge=16, le=8192, description=f"Pixels, taken to the next of {', '.join(map(str, WIDTHS))}"
    ),
    AfterValidator(stepped),
]


class MjpegResponse(StreamingResponse):
    """Sends the newest picture whenever the reader has room for one.

    Args:
        room: Where the reader takes a place.
        pictures: Of the camera.
        view: Which picture.
        width: One of `WIDTHS`.
    """

    def __init__(self, room: Room, pictures: LivePictures, view: View, width: int) -> None:
        super().__init__(
            _parts(room, pictures, view, width),
            media_type=f"multipart/x-mixed-replace; boundary={_BOUNDARY}",
        )

    async def stream_response(self, send: Send) -> None:
        """Send until the reader leaves, or sleeps."""

        async def send_in_time(message: Message) -> None:
            with anyio.fail_after(_PATIENCE_S):
                await send(message)

        with contextlib.suppress(TimeoutError):
            await super().stream_response(send_in_time)


async def _parts(
    room: Room, pictures: LivePictures, view: View, width: int
) -> AsyncIterator[bytes]:
    place: int | None = None
    with contextlib.suppress(TooMany):
        with room.place():
            async with pictures.reading():
                while True:
                    picture = await pictures.next(place, view, width)
                    if picture is not None:
                        place = picture.place
                        yield _part(picture)


def _part(picture: LivePicture) -> bytes:
    head = (
        f"--{_BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(picture.jpeg)}\r\n"
        f"X-Frame-Number: {picture.number}\r\n\r\n"
    )
    return head.encode() + picture.jpeg + b"\r\n"
