"""Tests of the JSON API against a running line."""

import http.client
import io
import json
import re
import select
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import av
import cv2
import httpx
import numpy as np
import pytest


@pytest.fixture
def api(line: Any) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{line.url}/api/v1", timeout=60) as client:
        before = client.get("/settings").json()
        yield client
        back = {key: before[key] for key in ("styles", "strength", "stability")}
        done = client.patch("/settings", json={**back, "keep_colour": False, "protect": []})
        assert done.status_code == 200


def picture_of(answer: httpx.Response) -> Any:
    assert answer.status_code == 200, answer.text
    return cv2.imdecode(np.frombuffer(answer.content, np.uint8), cv2.IMREAD_COLOR)


def test_the_status_tells_of_line_engine_and_cameras(api: httpx.Client) -> None:
    found = api.get("/status").json()

    assert (found["model"], found["precision"]) == ("hsi-edge", "fp32")
    assert found["engine"]
    assert [camera["number"] for camera in found["cameras"]] == [1, 2]
    camera = found["cameras"][0]
    assert camera["name"] == "test://96x64@20"
    assert camera["resolution"] == 1.0
    assert set(camera["stages"]["infer"]) == {"count", "mean_ms", "p50_ms", "p95_ms", "p99_ms"}
    assert {"newer", "too_old", "corrupt"} <= set(camera["dropped"])


def test_a_change_holds_and_leaves_the_rest(api: httpx.Client) -> None:
    changed = api.patch("/settings", json={"strength": 0.5}).json()

    assert changed["strength"] == 0.5
    assert changed["styles"] == [{"style": "starry-night", "weight": 1.0}]
    assert api.get("/settings").json() == changed


def test_a_blend_is_told_in_shares(api: httpx.Client) -> None:
    pair = [{"style": "great-wave", "weight": 3}, {"style": "the-scream", "weight": 1}]

    changed = api.patch("/settings", json={"styles": pair}).json()

    assert changed["styles"] == [
        {"style": "great-wave", "weight": 0.75},
        {"style": "the-scream", "weight": 0.25},
    ]


def test_a_look_may_be_of_one_camera(api: httpx.Client) -> None:
    part = {"x": 10, "y": 20, "width": 30.5, "height": 40}

    changed = api.patch("/settings", json={"protect": [part], "camera": 2}).json()

    assert [look["protect"] for look in changed["looks"]] == [[], [part]]


def test_a_protected_part_stays_to_the_bit(api: httpx.Client, line: Any) -> None:
    api.patch("/settings", json={"protect": [{"x": 0, "y": 0, "width": 50, "height": 100}]})

    def is_protected() -> bool:
        both = picture_of(api.get("/cameras/1/snapshot", params={"view": "pair", "format": "png"}))
        above, below = both[:64], both[64:]
        return bool((above[:, :48] == below[:, :48]).all() and (above != below).any())

    line.wait_for(is_protected)


@pytest.mark.parametrize(
    ("change", "status", "message"),
    [
        ({"strength": 1.5}, 422, "body.strength: .*less than or equal to 1"),
        ({"strength": "all"}, 422, "body.strength: .*number"),
        ({"strenght": 1}, 422, "body.strenght: Extra inputs"),
        ({"styles": []}, 422, "body.styles: .*at least 1"),
        ({"styles": [{"style": "nobody"}]}, 404, "'nobody': expected one of /api/v1/styles"),
        ({"styles": [{"style": "../../etc/passwd"}]}, 422, "body.styles.0.style"),
        ({"protect": [{"x": 90, "y": 0, "width": 20, "height": 5}]}, 422, "inside the frame"),
        ({"protect": [], "camera": 9}, 404, "camera 9: expected one of 1 to 2"),
        ({"style_scale": 99}, 422, "body.style_scale"),
    ],
    ids=str,
)
def test_a_wrong_change_is_refused_whole(
    api: httpx.Client, change: dict[str, Any], status: int, message: str
) -> None:
    before = api.get("/settings").json()

    answer = api.patch("/settings", json={"stability": 0.125, **change})

    assert answer.status_code == status
    assert re.search(message, answer.json()["error"])
    assert "\n" not in answer.json()["error"]
    assert api.get("/settings").json() == before


def test_what_is_no_json_is_refused(api: httpx.Client) -> None:
    headers = {"content-type": "application/json"}
    for body in (b"{", b"\xff\xfe", b'{"strength": NaN}', b"[" * 9999):
        answer = api.patch("/settings", content=body, headers=headers)

        assert answer.status_code in (400, 422)
        assert "error" in answer.json()


def test_snapshots_have_the_size_of_the_frame(api: httpx.Client) -> None:
    assert picture_of(api.get("/cameras/1/snapshot")).shape == (64, 96, 3)
    pair = api.get("/cameras/2/snapshot", params={"view": "pair", "format": "png"})
    assert picture_of(pair).shape == (128, 96, 3)
    assert re.search(r'filename="hsi-run-\d+-\d+-camera-2-pair.png"', str(pair.headers))
    assert api.get("/cameras/3/snapshot").status_code == 404


def test_an_upload_becomes_a_style_that_can_be_used_and_removed(
    api: httpx.Client, picture_file: bytes
) -> None:
    headers = {"content-type": "image/jpeg"}
    params = {"title": "../Große <b>Welle</b>.jpg"}

    found = api.post("/styles", content=picture_file, headers=headers, params=params)

    assert found.status_code == 201
    style = found.json()
    assert style["uploaded"]
    assert "/" not in style["title"]
    assert picture_of(api.get(f"/styles/{style['key']}/thumbnail")).shape == (176, 176, 3)
    used = [{"style": style["key"]}]
    assert (
        api.patch("/settings", json={"styles": used}).json()["styles"][0]["style"] == style["key"]
    )
    assert api.delete(f"/styles/{style['key']}").status_code == 204
    assert api.delete(f"/styles/{style['key']}").status_code == 404
    assert api.delete("/styles/great-wave").status_code == 409


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"#!/bin/sh\nrm -rf /", "image/png", 415),
        (b"<svg><script>alert(1)</script></svg>", "image/png", 415),
        (b"<svg><script>alert(1)</script></svg>", "image/svg+xml", 415),
        (b"", "image/jpeg", 415),
        (bytes(20_000_001), "image/png", 413),
    ],
    ids=["script", "svg as png", "svg", "nothing", "too large"],
)
def test_a_bad_upload_is_refused_with_one_line(
    api: httpx.Client, content: bytes, kind: str, status: int
) -> None:
    before = api.get("/styles").json()

    answer = api.post("/styles", content=content, headers={"content-type": kind})

    assert answer.status_code == status
    assert re.fullmatch(r"(uploaded picture|body): expected [^\n]+", answer.json()["error"])
    assert api.get("/styles").json() == before


def test_a_bomb_is_refused_with_one_line(api: httpx.Client, bomb: Callable[..., bytes]) -> None:
    headers = {"content-type": "image/png"}

    answer = api.post("/styles", content=bomb(9000, 9000), headers=headers)

    assert answer.status_code == 415
    assert re.search("at most 50 megapixels", answer.json()["error"])


@pytest.mark.parametrize("announced", [True, False], ids=["announced", "in pieces"])
def test_a_gigabyte_is_refused_long_before_its_end(line: Any, announced: bool) -> None:
    size = 10**9
    how = f"content-length: {size}" if announced else "transfer-encoding: chunked"
    lines = ("POST /api/v1/styles HTTP/1.1", "host: localhost", "content-type: image/png", how)
    head = "\r\n".join((*lines, "", ""))
    piece = bytes(1_000_000)
    if not announced:
        piece = b"%x\r\n%s\r\n" % (len(piece), piece)
    sent = 0
    with socket.create_connection(("127.0.0.1", line.port), timeout=60) as stranger:
        stranger.sendall(head.encode())
        while sent < size and not select.select([stranger], [], [], 0)[0]:
            sent += stranger.send(piece)
        answer = http.client.HTTPResponse(stranger)
        answer.begin()
        error = json.loads(answer.read())["error"]

    assert answer.status == 413
    assert error.startswith("body: expected at most 20000000 bytes, found more")
    assert sent < 100_000_000


def test_recordings_are_videos_and_can_be_fetched(api: httpx.Client, line: Any) -> None:
    begun = api.post("/cameras/1/recording")

    assert begun.status_code == 201
    name = begun.json()["name"]
    assert re.fullmatch(r"hsi-run-\d{8}-\d{6}-camera-1.mp4", name)
    assert api.get("/status").json()["cameras"][0]["recording"]
    assert api.post("/cameras/1/recording").status_code == 409
    assert api.get(f"/recordings/{name}").status_code == 409
    shown = api.get("/status").json()["cameras"][0]["shown"]
    line.wait_for(lambda: api.get("/status").json()["cameras"][0]["shown"] > shown + 5)
    done = api.delete("/cameras/1/recording").json()
    assert done["finished"]
    assert done in api.get("/recordings").json()
    video = api.get(f"/recordings/{name}").content
    with av.open(io.BytesIO(video), "r") as container:
        assert len(list(container.decode(video=0))) >= 2
    assert api.delete("/cameras/1/recording").status_code == 409


@pytest.mark.parametrize("name", ["nothing.mp4", "..%2f..%2fetc%2fpasswd", "%00", "a" * 300])
def test_no_other_file_is_given_away(api: httpx.Client, name: str) -> None:
    assert api.get(f"/recordings/{name}").status_code in (404, 422)


def test_style_changes_are_events(api: httpx.Client, line: Any) -> None:
    api.patch("/settings", json={"styles": [{"style": "water-lilies"}]})

    line.wait_for(
        lambda: any(
            event["kind"] == "style changed" and event["detail"] == "water-lilies"
            for event in api.get("/events").json()
        )
    )


def test_an_unknown_address_is_answered_with_one_line(api: httpx.Client) -> None:
    assert "see /api/v1/openapi.json" in api.get("/nowhere").json()["error"]
    assert api.put("/settings").status_code == 405


def test_a_change_of_style_loses_no_frame(start_line: Any) -> None:
    with start_line("test://96x64@10") as line:
        with httpx.Client(base_url=f"{line.url}/api/v1", timeout=60) as api:
            for style in ("great-wave", "the-scream"):  # encoded once, kept from then on
                api.patch("/settings", json={"styles": [{"style": style}]})
            begun = time.monotonic()
            while time.monotonic() - begun < 1:
                for style in ("great-wave", "the-scream"):
                    api.patch("/settings", json={"styles": [{"style": style}]})
    assert line.result is not None
    summary = line.result.summary
    assert summary.captured == summary.shown + sum(summary.dropped.values())
    faults = ("network_failed", "output_failed", "corrupt")
    assert {cause: summary.dropped[cause] for cause in faults} == dict.fromkeys(faults, 0)


def test_a_fault_of_ours_is_logged_in_one_line_and_the_line_goes_on(
    api: httpx.Client, line: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(*words: Any, **options: Any) -> None:
        raise RuntimeError("rtsp://user:secret@camera/ is odd")

    with monkeypatch.context() as patch:
        patch.setattr("hsi.runtime.control.desk.Desk.events", fails)
        answer = api.get("/events")

    assert answer.status_code == 500
    assert answer.json()["error"].startswith("internal fault: RuntimeError")
    logged = [one.getMessage() for one in caplog.records if one.levelname == "WARNING"]
    assert logged[-1].startswith("control page: /api/v1/events: RuntimeError: rtsp://***@camera")
    assert api.get("/events").status_code == 200
