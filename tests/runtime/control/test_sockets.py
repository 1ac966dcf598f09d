"""Tests of the WebSockets of the control page."""

import json
import struct
from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect


def address(line: Any, path: str) -> str:
    return f"ws://127.0.0.1:{line.port}/api/v1/{path}"


@pytest.fixture
def live(line: Any) -> Iterator[ClientConnection]:
    with connect(address(line, "live")) as socket:
        yield socket


def await_message(socket: ClientConnection, kind: str) -> dict[str, Any]:
    while True:
        found: dict[str, Any] = json.loads(socket.recv(timeout=60))
        if found["type"] == kind:
            return found


def order(socket: ClientConnection, number: int, what: str, **fields: Any) -> dict[str, Any]:
    socket.send(json.dumps({"id": number, "do": what, **fields}))
    while (answer := await_message(socket, "answer"))["id"] != number:
        pass
    return answer


def test_the_status_is_told_unasked(live: ClientConnection) -> None:
    first = await_message(live, "status")["status"]
    second = await_message(live, "status")["status"]

    assert second["uptime_s"] >= first["uptime_s"]
    assert await_message_of_events(live)[0]["kind"] == "connected"


def await_message_of_events(socket: ClientConnection) -> list[dict[str, Any]]:
    with connect(address_of(socket)) as fresh:
        events: list[dict[str, Any]] = await_message(fresh, "events")["events"]
        return events


def address_of(socket: ClientConnection) -> str:
    host, port = socket.remote_address[:2]
    return f"ws://{host}:{port}/api/v1/live"


def test_orders_are_answered_with_the_number_they_had(live: ClientConnection) -> None:
    assert order(live, 7, "change_settings", change={"strength": 0.75})["done"]["strength"] == 0.75
    assert order(live, 9, "change_settings", change={"strength": 1})["done"]["strength"] == 1


def test_a_change_by_one_is_told_to_all(live: ClientConnection, line: Any) -> None:
    with connect(address(line, "live")) as other:
        order(live, 1, "change_settings", change={"stability": 0.25})
        while await_message(other, "status")["status"]["settings"]["stability"] != 0.25:
            pass
        order(live, 2, "change_settings", change={"stability": 0.5})


def test_a_wrong_order_is_answered_and_the_next_one_obeyed(live: ClientConnection) -> None:
    wrong = order(live, 1, "change_settings", change={"styles": [{"style": "nobody"}]})
    assert "'nobody': expected one of" in wrong["error"]
    assert "camera 9" in order(live, 2, "start_recording", camera=9)["error"]
    assert "is not being recorded" in order(live, 3, "stop_recording", camera=1)["error"]
    assert "done" in order(live, 4, "change_settings", change={"strength": 1})


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"id": 1, "do": "rm -rf /"}', '{"id": 1}', '{"id": NaN}'], ids=str
)
def test_what_is_no_order_ends_the_talk(live: ClientConnection, text: str) -> None:
    live.send(text)

    with pytest.raises(ConnectionClosed, match="1008"):
        while True:
            live.recv(timeout=60)


def test_a_long_message_ends_the_talk(live: ClientConnection) -> None:
    live.send("[" * 100_000)

    with pytest.raises(ConnectionClosed, match="1009"):
        while True:
            live.recv(timeout=60)


def test_bytes_are_no_order(live: ClientConnection) -> None:
    live.send(b"\xff\x00")

    with pytest.raises(ConnectionClosed):
        while True:
            live.recv(timeout=60)


def test_each_order_brings_one_picture_newer_than_the_last(line: Any) -> None:
    places = []
    with connect(address(line, "cameras/1/pictures")) as socket:
        for view, height in (("pair", 128), ("stylised", 64), ("input", 64)):
            socket.send(json.dumps({"view": view, "width": 320}))
            while isinstance(message := socket.recv(timeout=60), str):
                assert json.loads(message)["type"] == "waiting"
            place, _ = struct.unpack_from("<II", message)
            picture = cv2.imdecode(np.frombuffer(message, np.uint8, offset=8), cv2.IMREAD_COLOR)
            assert picture is not None
            assert picture.shape == (height, 96, 3)
            places.append(place)

    assert places == sorted(set(places))


def test_a_camera_that_is_not_there_says_so(line: Any) -> None:
    with connect(address(line, "cameras/9/pictures")) as socket:
        with pytest.raises(ConnectionClosed, match="camera 9: expected one of 1 to 2"):
            socket.recv(timeout=60)


def test_a_reader_without_a_place_is_told_so(start_line: Any) -> None:
    with start_line(readers=1) as line:
        with connect(address(line, "live")) as first:
            await_message(first, "status")
            with connect(address(line, "live")) as second:
                with pytest.raises(ConnectionClosed, match="expected at most 1"):
                    second.recv(timeout=60)

        def is_free() -> bool:
            return bool(line.get("/api/v1/status")["readers"] == 0)

        line.wait_for(is_free)
