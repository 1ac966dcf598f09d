"""A real line with a control page, on a free port of this machine."""

from __future__ import annotations

import struct
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from hsi.runtime.arguments import Request
from hsi.runtime.control.options import ControlOptions
from hsi.runtime.control.page import ControlPage
from hsi.runtime.player import PlayResult, play
from hsi.runtime.run_options import Policy

CAMERA = "test://96x64@20"
PATIENCE_S = 60


@dataclass(frozen=True)
class _Opened:
    page: ControlPage

    def open(self) -> ControlPage:
        return self.page


class Line:
    """A run in a thread of its own, and how to speak to its page."""

    def __init__(self, options: ControlOptions, request: Request) -> None:
        self.page = ControlPage(options)
        self.port = self.page.port
        self.url = f"http://127.0.0.1:{self.port}"
        self.stop = threading.Event()
        self.result: PlayResult | None = None
        self.error: BaseException | None = None
        self._request = replace(request, attachments=(_Opened(self.page),))
        self._thread = threading.Thread(target=self._play, daemon=True)

    def _play(self) -> None:
        try:
            self.result = play(self._request, lambda progress: None, stop=self.stop)
        except BaseException as error:
            self.error = error

    def __enter__(self) -> Line:
        self._thread.start()
        self.wait_for(lambda: self.is_open())
        return self

    def __exit__(self, *reason: object) -> None:
        self.stop.set()
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive()

    def is_open(self) -> bool:
        """Whether it answers."""
        assert self.error is None, self.error
        try:
            httpx.get(f"{self.url}/static/icon.svg", timeout=5)
        except httpx.HTTPError:
            return False
        return True

    def wait_for(self, condition: Callable[[], object]) -> None:
        """Wait until it holds; a busy machine takes its time."""
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            assert time.monotonic() < deadline, "it did not come to it"
            time.sleep(0.05)

    def get(self, path: str) -> Any:
        """Return the JSON there."""
        answer = httpx.get(self.url + path, timeout=PATIENCE_S)
        answer.raise_for_status()
        return answer.json()


StartLine = Callable[..., AbstractContextManager[Line]]


@pytest.fixture(scope="module")
def start_line(tmp_path_factory: pytest.TempPathFactory) -> StartLine:
    """Start a line of cameras with a page."""

    @contextmanager
    def start(*cameras: str, policy: Policy | None = None, **options: Any) -> Iterator[Line]:
        given = {"port": 0, "folder": tmp_path_factory.mktemp("recordings"), **options}
        request = Request(
            sources=cameras or (CAMERA,), outputs=("null:",), verify=False, policy=policy
        )
        with Line(ControlOptions(**given), request) as line:
            yield line

    return start


@pytest.fixture(scope="module")
def line(start_line: StartLine) -> Iterator[Line]:
    """A line that tests share: they leave it as they found it."""
    with start_line(CAMERA, CAMERA) as found:
        yield found


@pytest.fixture(scope="module")
def open_line(start_line: StartLine) -> Iterator[Line]:
    """A line whose page other machines reach, and which wants a token."""
    with start_line(bind="0.0.0.0") as found:
        yield found


@pytest.fixture(scope="session")
def picture_file() -> bytes:
    """The bytes of a style picture."""
    root = Path(__file__).resolve().parents[3]
    return (root / "runtime" / "data" / "styles" / "great-wave.jpg").read_bytes()


@pytest.fixture(scope="session")
def bomb() -> Callable[[int, int], bytes]:
    """Make a PNG of a few bytes that promises a huge picture."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + check

    def make(width: int, height: int) -> bytes:
        head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
        body = chunk(b"IDAT", zlib.compress(bytes(1000)))
        return b"\x89PNG\r\n\x1a\n" + head + body + chunk(b"IEND", b"")

    return make


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A Chromium without a screen."""
    # Imported here: most tests of the page need no browser.
    from tests.runtime.control.browsing import chromium

    with chromium() as found:
        yield found
