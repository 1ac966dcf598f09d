from __future__ import annotations

import io
import json
import logging
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from hsi.runtime.json_log import JsonLineHandler, redacted
from hsi.runtime.progress import ProgressLine

Start = Callable[..., subprocess.Popen[str]]


def _lines(run: subprocess.Popen[str]) -> list[dict[str, Any]]:
    _, errors = run.communicate(timeout=60)
    return [json.loads(line) for line in errors.splitlines()]


def _logged(message: str, **fields: Any) -> dict[str, Any]:
    stream = io.StringIO()
    record = logging.makeLogRecord({"msg": message, "name": "here", "levelname": "INFO", **fields})
    JsonLineHandler(stream, ProgressLine(stream)).emit(record)
    found: dict[str, Any] = json.loads(stream.getvalue())
    return found


def test_a_record_is_an_object_on_one_line() -> None:
    found = _logged("two\nlines", told={"event": {"kind": "lost"}}, created=0.5)
    assert found == {
        "time": "1970-01-01T00:00:00.500000+00:00",
        "level": "info",
        "logger": "here",
        "message": "two\nlines",
        "event": {"kind": "lost"},
    }


@pytest.mark.parametrize("address", ["rtsp://me:hunter2@cam/x", "http://cam/x?token=hunter2"])
def test_no_password_gets_into_a_record(address: str) -> None:
    told = {"event": {"subject": address, "more": [address, 1]}}
    assert "hunter2" not in json.dumps(_logged(f"lost {address}", told=told))


def test_what_is_no_text_stays_as_it_is() -> None:
    values = {"a": [1, 2.5, None, True], "b": {"c": "plain"}}
    assert redacted(values) == values


def test_every_line_of_a_run_is_json_with_events_and_summary(start_fake: Start) -> None:
    found = _lines(start_fake("test://96x64@30?frames=9", "-o", "null:", "--log-format", "json"))
    kinds = [line["event"]["kind"] for line in found if "event" in line]
    assert kinds == ["connected"]
    assert found[-1]["summary"]["captured"] == 9


def test_an_error_is_json_too(start_fake: Start) -> None:
    run = start_fake("no-such.mp4", "-o", "null:", "--log-format", "json")
    (found,) = _lines(run)
    assert run.returncode == 3
    assert found["level"] == "error"
    assert found["message"].startswith("no-such.mp4: ")


def test_the_way_of_every_fifth_frame_is_told(start_fake: Start) -> None:
    words = ("--policy", "every", "--log-format", "json", "--trace", "5")
    found = _lines(start_fake("test://96x64@30?frames=11", "-o", "null:", *words))
    frames = [line["frame"] for line in found if "frame" in line]
    assert [frame["number"] for frame in frames] == [0, 5, 10]
    for frame in frames:
        assert list(frame["passed_ms"]) == ["taken", "stylised", "written to null:", "shown"]
        assert list(frame["passed_ms"].values()) == sorted(frame["passed_ms"].values())
        assert (frame["camera"], frame["end"]) == ("test://96x64@30?frames=11", "shown")


def test_the_way_of_a_dropped_frame_says_why(start_fake: Start) -> None:
    words = ("--trace", "1", "--log-format", "json")
    found = _lines(start_fake("test://96x64@60?frames=30", "-o", "null:", *words, infer_s=0.2))
    ends = {line["frame"]["end"] for line in found if "frame" in line}
    assert ends >= {"dropped: newer", "shown"}


def test_a_way_is_a_line_of_text_without_json(start_fake: Start) -> None:
    _, errors = start_fake("test://96x64@30?frames=3", "-o", "null:", "--trace", "2").communicate(
        timeout=60
    )
    assert "INFO hsi.runtime.journey: test://96x64@30?frames=3: frame 0, milliseconds" in errors
    assert "connected" not in errors
