"""The API's part about single cameras: stream, snapshot, recordings."""

from __future__ import annotations

import time
from typing import Annotated, Literal

import cv2
from fastapi import APIRouter, Path, Query
from fastapi.responses import FileResponse, Response

from hsi.runtime.control.live_pictures import View, jpeg_of, picture_of
from hsi.runtime.control.mjpeg import MjpegResponse, Width
from hsi.runtime.control.models import Recording
from hsi.runtime.control.refusal import refusals
from hsi.runtime.control.room import TheRoom

_QUALITY = 95
_BINARY = {"schema": {"type": "string", "format": "binary"}}

router = APIRouter(tags=["cameras"])

Number = Annotated[int, Path(ge=1, le=1_000_000, description="From 1")]
Picture = Annotated[View, Query(description="`pair` is the input above the stylised picture")]


@router.get(
    "/cameras/{number}/stream.mjpg",
    response_class=Response,
    responses={
        200: {"content": {"multipart/x-mixed-replace": _BINARY}},
        **refusals(404, 429),
    },
)
async def get_stream(
    number: Number, room: TheRoom, view: Picture = View.STYLISED, width: Width = 640
) -> Response:
    """The live picture as MJPEG, which every browser shows in an `<img>`. It does not end."""
    pictures = room.pictures[room.desk.camera(number)]
    with room.place():  # the answer to one who finds none is a line, not a stream
        pass
    return MjpegResponse(room, pictures, view, width)


@router.get(
    "/cameras/{number}/snapshot",
    response_class=Response,
    responses={
        200: {"content": {"image/jpeg": _BINARY, "image/png": _BINARY}},
        **refusals(404),
    },
)
def get_snapshot(
    number: Number,
    room: TheRoom,
    view: Picture = View.STYLISED,
    format: Annotated[Literal["jpeg", "png"], Query(description="png: every bit")] = "jpeg",
) -> Response:
    """The newest picture in full size."""
    image = picture_of(room.desk.live.snapshot(room.desk.camera(number)), view)
    if format == "png":
        data = cv2.imencode(".png", image)[1].tobytes()
    else:
        data = jpeg_of(image, quality=_QUALITY)
    name = f"hsi-run-{time.strftime('%Y%m%d-%H%M%S')}-camera-{number}-{view.value}.{format}"
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return Response(data, media_type=f"image/{format}", headers=headers)


@router.post("/cameras/{number}/recording", status_code=201, responses=refusals(404, 409))
def start_recording(number: Number, room: TheRoom) -> Recording:
    """Record the stylised picture to a video, which the machine of the line keeps."""
    found = room.recordings.start(number, room.desk.camera(number))
    room.tell()
    return found


@router.delete("/cameras/{number}/recording", responses=refusals(404, 409))
def stop_recording(number: Number, room: TheRoom) -> Recording:
    """Finish the recording."""
    found = room.recordings.stop(number, room.desk.camera(number))
    room.tell()
    return found


@router.get("/recordings")
def get_recordings(room: TheRoom) -> list[Recording]:
    """The recordings that were begun here in this run, oldest first."""
    return room.recordings.recordings


@router.get(
    "/recordings/{name}",
    response_class=FileResponse,
    responses={200: {"content": {"video/mp4": _BINARY}}, **refusals(404, 409)},
)
def get_recording(name: Annotated[str, Path(max_length=200)], room: TheRoom) -> FileResponse:
    """A finished recording."""
    return FileResponse(room.recordings.path(name), media_type="video/mp4", filename=name)
