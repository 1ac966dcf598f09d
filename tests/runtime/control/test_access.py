"""Tests of who may speak to the control page."""

import http.client
import re
from typing import Any

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin

EVERYTHING = [
    ("GET", "/"),
    ("GET", "/static/main.js"),
    ("GET", "/api/v1/openapi.json"),
    ("GET", "/api/v1/status"),
    ("GET", "/api/v1/styles/great-wave/thumbnail"),
    ("GET", "/api/v1/cameras/1/snapshot"),
    ("GET", "/api/v1/cameras/1/stream.mjpg"),
    ("PATCH", "/api/v1/settings"),
    ("POST", "/api/v1/styles"),
    ("DELETE", "/api/v1/styles/great-wave"),
    ("POST", "/api/v1/cameras/1/recording"),
    ("GET", "/nowhere"),
]


def token_of(line: Any) -> str:
    found = re.search(r"\?token=(.+)$", line.page.notice)
    assert found is not None
    return found[1]


@pytest.mark.parametrize(("method", "path"), EVERYTHING)
@pytest.mark.parametrize("given", [None, "wrong", "ünï"])
def test_without_the_token_nothing_is_done(
    open_line: Any, method: str, path: str, given: str | None
) -> None:
    headers = {} if given is None else {b"authorization": f"Bearer {given}".encode()}

    answer = httpx.request(method, open_line.url + path, headers=headers, json={"strength": 0.25})

    assert answer.status_code == 401
    assert list(answer.json()) == ["error"]
    assert open_line.page.notice not in answer.text
    good = {"authorization": f"Bearer {token_of(open_line)}"}
    settings = httpx.get(f"{open_line.url}/api/v1/settings", headers=good).json()
    assert settings["strength"] == 1


def test_the_printed_address_opens_the_page_and_keeps_the_token_out_of_it(open_line: Any) -> None:
    with httpx.Client(base_url=open_line.url) as browser:
        invited = browser.get(f"/?token={token_of(open_line)}")

        assert invited.status_code == 303
        assert invited.headers["location"] == "/"
        assert "HttpOnly; SameSite=Lax" in invited.headers["set-cookie"]
        assert "<title>HSI Edge</title>" in browser.get("/").text
        assert browser.get("/api/v1/status").status_code == 200


def test_a_wrong_token_in_the_address_opens_nothing(open_line: Any) -> None:
    assert httpx.get(f"{open_line.url}/?token=wrong").status_code == 401
    assert httpx.get(f"{open_line.url}/?token=").status_code == 401


def test_the_token_opens_nothing_but_the_page_by_address(open_line: Any) -> None:
    # Else it would stand in the logs of whatever is between.
    token = token_of(open_line)

    assert httpx.get(f"{open_line.url}/api/v1/status?token={token}").status_code == 401


@pytest.mark.parametrize("path", ["/api/v1/live", "/api/v1/cameras/1/pictures"])
def test_a_websocket_without_the_token_is_refused(open_line: Any, path: str) -> None:
    with pytest.raises(InvalidStatus, match="403"):
        connect(f"ws://127.0.0.1:{open_line.port}{path}")


def test_a_websocket_with_the_token_is_served(open_line: Any) -> None:
    headers = {"authorization": f"Bearer {token_of(open_line)}"}
    address = f"ws://127.0.0.1:{open_line.port}/api/v1/live"

    with connect(address, additional_headers=headers) as socket:
        assert '"status"' in str(socket.recv(timeout=30))


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8080", "192.168.1.5", "[", ""])
def test_a_name_that_merely_resolves_to_here_is_refused(line: Any, host: str) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", line.port)
    connection.putrequest("GET", "/api/v1/status", skip_host=True)
    connection.putheader("host", host)
    connection.endheaders()

    answer = connection.getresponse()

    assert answer.status in (400, 403)
    connection.close()


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]"])
def test_the_names_of_this_machine_are_served(line: Any, host: str) -> None:
    headers = {"host": f"{host}:{line.port}"}

    assert httpx.get(f"{line.url}/api/v1/status", headers=headers).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:1"},
        {"origin": "http://["},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
    ids=str,
)
def test_other_pages_may_not_steer_the_line(line: Any, headers: dict[str, str]) -> None:
    answer = httpx.patch(f"{line.url}/api/v1/settings", headers=headers, json={"strength": 0.25})

    assert answer.status_code == 403
    assert re.search(r"expected this page, found another", answer.json()["error"])
    assert line.get("/api/v1/settings")["strength"] == 1


def test_other_pages_may_not_open_a_websocket(line: Any) -> None:
    with pytest.raises(InvalidStatus, match="403"):
        connect(f"ws://127.0.0.1:{line.port}/api/v1/live", origin=Origin("https://evil.example"))


def test_a_link_from_elsewhere_opens_the_page(line: Any) -> None:
    headers = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}

    assert httpx.get(line.url, headers=headers).status_code == 200


def test_every_answer_confines_the_page(line: Any) -> None:
    for path in ("/", "/static/main.js", "/api/v1/status", "/nowhere"):
        headers = httpx.get(line.url + path).headers

        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cross-origin-resource-policy"] == "same-origin"


def test_two_pages_have_two_tokens(open_line: Any, start_line: Any) -> None:
    with start_line(bind="0.0.0.0") as other:
        assert token_of(other) != token_of(open_line)
        assert len(token_of(other)) >= 32


def test_for_this_machine_alone_there_is_no_token(line: Any) -> None:
    assert line.page.notice == f"control page: http://127.0.0.1:{line.port}/"


def test_what_lies_beside_the_page_is_not_served(line: Any) -> None:
    for path in ("/static/../app.py", "/static/%2e%2e/app.py", "/static//etc/passwd"):
        assert httpx.get(line.url + path).status_code == 404
