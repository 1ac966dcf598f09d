"""Tests of many readers; `bench/control_page.py` measures what they cost."""

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import cv2
import httpx
import numpy as np
import pytest

STREAM = "/api/v1/cameras/1/stream.mjpg"
SLOW = 20


def test_the_stream_is_a_row_of_whole_pictures(line: Any) -> None:
    with httpx.stream("GET", line.url + STREAM, timeout=60) as answer:
        assert answer.headers["content-type"].startswith("multipart/x-mixed-replace")
        pictures = [picture for picture, _ in zip(parts(answer), range(3), strict=False)]

    assert all(picture.shape == (64, 96, 3) for picture in pictures)


def parts(answer: httpx.Response) -> Iterator[Any]:
    kept = b""
    for piece in answer.iter_bytes():
        kept += piece
        while (begin := kept.find(b"\xff\xd8")) >= 0 and (end := kept.find(b"\xff\xd9\r\n")) > 0:
            yield cv2.imdecode(np.frombuffer(kept[begin : end + 2], np.uint8), cv2.IMREAD_COLOR)
            kept = kept[end + 2 :]


def test_twenty_sleepers_keep_neither_the_line_nor_a_fast_reader_waiting(start_line: Any) -> None:
    with start_line("test://640x480@20") as line, ExitStack() as stack:
        for _ in range(SLOW):
            sleeper = stack.enter_context(socket.create_connection(("127.0.0.1", line.port)))
            sleeper.sendall(f"GET {STREAM} HTTP/1.1\r\nhost: localhost\r\n\r\n".encode())
        line.wait_for(lambda: line.get("/api/v1/status")["readers"] == SLOW)
        before = shown(line)

        with httpx.stream("GET", line.url + STREAM, timeout=60) as answer:
            pictures = parts(answer)
            seen = [next(pictures).shape for _ in range(20)]

            def is_flat() -> bool:
                # A picture kept for each of them would be 16 MB.
                memory = resident_bytes()
                for _ in range(20):
                    next(pictures)
                return resident_bytes() < memory + 8_000_000

            line.wait_for(is_flat)  # styles are still being encoded, which takes memory of its own

        assert seen == [(480, 640, 3)] * 20
        assert shown(line) > before + 20


def shown(line: Any) -> int:
    return int(line.get("/api/v1/status")["cameras"][0]["shown"])


def resident_bytes() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_nothing_is_encoded_while_nobody_looks(
    start_line: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoded = []
    real = cv2.imencode

    def counted(*words: Any) -> Any:
        encoded.append(threading.current_thread().name)
        return real(*words)

    with start_line() as line:
        monkeypatch.setattr(cv2, "imencode", counted)
        time.sleep(0.5)
        assert encoded == []
        with httpx.stream("GET", line.url + STREAM, timeout=60) as answer:
            next(parts(answer))
        assert encoded
        line.wait_for(lambda: line.get("/api/v1/status")["readers"] == 0)
        time.sleep(0.2)
        encoded.clear()
        time.sleep(0.5)
        assert encoded == []


def test_readers_of_one_view_share_its_encoding(
    start_line: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[int] = []
    real = cv2.imencode

    def counted(*words: Any) -> Any:
        made.append(1)
        return real(*words)

    monkeypatch.setattr(cv2, "imencode", counted)
    with start_line() as line, ExitStack() as stack:
        before = shown(line)
        made.clear()
        streams = [
            stack.enter_context(httpx.stream("GET", line.url + STREAM, timeout=60))
            for _ in range(8)
        ]
        seen = [len(list(zip(parts(one), range(4), strict=False))) for one in streams]
        encoded = len(made)
        frames = shown(line) - before

    assert seen == [4] * 8
    assert encoded <= frames + 1


def test_a_change_is_seen_without_the_usual_rest_between_pictures(
    start_line: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hsi.runtime.control.room.SHARE", 1e-9)  # one picture a second
    with start_line() as line, httpx.stream("GET", line.url + STREAM, timeout=60) as answer:
        pictures = parts(answer)
        next(pictures)
        begun = time.monotonic()
        httpx.patch(f"{line.url}/api/v1/settings", json={"strength": 0.5}, timeout=60)
        for _ in range(3):
            next(pictures)

        assert time.monotonic() - begun < 1.5


def test_one_reader_too_many_is_told_so(start_line: Any) -> None:
    with start_line(readers=1) as line:
        with httpx.stream("GET", line.url + STREAM, timeout=60) as answer:
            pictures = parts(answer)
            next(pictures)
            with httpx.stream("GET", line.url + STREAM, timeout=60) as refused:
                assert refused.status_code == 429
                assert "expected at most 1, found as many" in refused.read().decode()
            next(pictures)
