"""The WebSockets of the control page: what happens, what shall happen, and pictures."""

from __future__ import annotations

import asyncio
import contextlib
import struct
from collections.abc import AsyncIterator, Awaitable, Sequence
from typing import Literal

import anyio
from fastapi import APIRouter, WebSocket, WebSocketDisconnect
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.concurrency import run_in_threadpool

from hsi.runtime.control.live_pictures import LivePictures, View
from hsi.runtime.control.mjpeg import stepped
from hsi.runtime.control.models import Recording, Settings, SettingsChange
from hsi.runtime.control.refusal import NotThere, TooMany, line_of, note_fault
from hsi.runtime.control.room import Room, TheRoom
from hsi.runtime.errors import HsiError

_STATUS_S = 0.5  # between two reports where nothing was changed
_PATIENCE_S = 10.0  # for a reader that takes nothing
_HEAD = struct.Struct("<II")  # place and frame number, before the JPEG
_GONE = (WebSocketDisconnect, TimeoutError, RuntimeError)

router = APIRouter()


class Order(BaseModel):
    """What a page sends: one action of the API, with a number for the answer."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: int = Field(ge=0, le=2**31)
    do: Literal["change_settings", "start_recording", "stop_recording"]
    change: SettingsChange = SettingsChange()
    camera: int = Field(default=1, ge=1, le=1_000_000)


class PictureOrder(BaseModel):
    """What a page sends when it has room for a picture."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    view: View = View.STYLISED
    width: int = Field(default=640, ge=16, le=8192)


@router.websocket("/live")
async def follow_line(socket: WebSocket, room: TheRoom) -> None:
    """Tell the status twice a second and at every change, and take orders."""
    async with _seated(socket, room):
        tasks = [asyncio.ensure_future(one) for one in (_tell(socket, room), _obey(socket, room))]
        await _first_of(tasks)


@router.websocket("/cameras/{number}/pictures")
async def follow_camera(socket: WebSocket, number: int, room: TheRoom) -> None:
    """Send one picture for each order: a slow reader gets fewer, never older ones."""
    async with _seated(socket, room):
        pictures = room.pictures[room.desk.camera(number)]
        async with pictures.reading():
            await _serve_pictures(socket, pictures)


@contextlib.asynccontextmanager
async def _seated(socket: WebSocket, room: Room) -> AsyncIterator[None]:
    """Accept a reader and end well, whatever it sends and however it leaves."""
    await socket.accept()
    try:
        with room.place():
            yield
    except TooMany as error:
        await _close(socket, 1013, error)  # try again later
    except (NotThere, ValidationError, ValueError) as error:
        await _close(socket, 1008, error)  # not as agreed
    except _GONE:
        with contextlib.suppress(*_GONE):
            await socket.close()
    except Exception as error:
        note_fault(socket.url.path, error)
        await _close(socket, 1011, error)


async def _close(socket: WebSocket, code: int, error: Exception) -> None:
    reason = line_of(error).encode()[:120].decode("utf-8", "ignore")
    with contextlib.suppress(*_GONE):
        await socket.close(code, reason)


async def _first_of(tasks: Sequence[asyncio.Future[None]]) -> None:
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()


async def _tell(socket: WebSocket, room: Room) -> None:
    latest = None
    while True:
        news = room.news
        status = room.desk.status(readers=room.readers)
        await _in_time(_send(socket, "status", status.model_dump(mode="json")))
        events = room.desk.events()
        if events != latest:
            latest = events
            plain = [event.model_dump(mode="json") for event in events]
            await _in_time(_send(socket, "events", plain))
        with anyio.move_on_after(_STATUS_S):
            await news.wait()


async def _obey(socket: WebSocket, room: Room) -> None:
    while True:
        order = Order.model_validate_json(await socket.receive_text())
        try:
            done = await run_in_threadpool(_do, room, order)
            answer = {"type": "answer", "id": order.id, "done": done.model_dump(mode="json")}
        except HsiError as error:
            answer = {"type": "answer", "id": order.id, "error": line_of(error)}
        await _in_time(socket.send_json(answer))


def _do(room: Room, order: Order) -> Settings | Recording:
    if order.do == "change_settings":
        return room.desk.change(order.change)
    camera = room.desk.camera(order.camera)
    act = room.recordings.start if order.do == "start_recording" else room.recordings.stop
    found = act(order.camera, camera)
    room.tell()
    return found


async def _serve_pictures(socket: WebSocket, pictures: LivePictures) -> None:
    place: int | None = None
    while True:
        order = PictureOrder.model_validate_json(await socket.receive_text())
        width = stepped(order.width)
        while (picture := await pictures.next(place, order.view, width)) is None:
            # Who has left is noticed by what cannot be sent.
            await _in_time(_send(socket, "waiting", None))
        place = picture.place
        head = _HEAD.pack(picture.place & 0xFFFFFFFF, picture.number & 0xFFFFFFFF)
        await _in_time(socket.send_bytes(head + picture.jpeg))


async def _send(socket: WebSocket, kind: str, value: object) -> None:
    await socket.send_json({"type": kind, kind: value})


async def _in_time(sending: Awaitable[None]) -> None:
    with anyio.fail_after(_PATIENCE_S):
        await sending
