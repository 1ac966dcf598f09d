"""A real broker, which comes and goes, and a run to look at."""

from __future__ import annotations

import json
import os
import queue
import shutil
import socket
import subprocess
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

NEEDED = "needs Mosquitto: apt-get install mosquitto"


def wait_for(true: Callable[[], object], seconds: float = 30) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def free_port() -> int:
    """A port of this machine that nobody has."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Broker:
    """Mosquitto on a port of its own.

    Args:
        program: The executable.
        folder: For its settings.
        settings: Further lines of them.
    """

    def __init__(self, program: str, folder: Path, settings: str) -> None:
        self.port = free_port()
        self._settings = folder / "mosquitto.conf"
        self._settings.write_text(f"listener {self.port} 127.0.0.1\n{settings}\n")
        self._program = program
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [self._program, "-c", str(self._settings)]
        self._process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        wait_for(self._answers)

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


class Listener:
    """A client of the broker that hears everything below `line`."""

    def __init__(self, port: int) -> None:
        self._heard: dict[str, queue.Queue[tuple[Any, bool]]] = defaultdict(queue.Queue)
        self._client = Client(CallbackAPIVersion.VERSION2)
        self._client.on_connect = self._subscribe
        self._client.on_message = self._note
        self._client.reconnect_delay_set(1, 1)
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()

    def send(self, text: str | bytes, *, retain: bool = False) -> None:
        self._client.publish("line/command", text, 1, retain=retain).wait_for_publish(10)

    def next(self, topic: str, **fields: Any) -> Any:
        """The next message of a topic, JSON read, that has these fields."""
        while True:
            value, _ = self._heard[topic].get(timeout=30)
            if all(value[name] == wanted for name, wanted in fields.items()):
                return value

    def next_is_retained(self, topic: str) -> bool:
        """Whether the next message of a topic was there before this client."""
        return self._heard[topic].get(timeout=30)[1]

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _subscribe(self, client: Client, *words: Any) -> None:
        client.subscribe("line/#", 1)

    def _note(self, client: Client, userdata: Any, message: MQTTMessage) -> None:
        text = message.payload.decode()
        value = json.loads(text) if text.startswith("{") else text
        self._heard[message.topic.removeprefix("line/")].put((value, message.retain))


@pytest.fixture
def wait() -> Callable[[Callable[[], object]], None]:
    """Wait until something holds."""
    return wait_for


@pytest.fixture
def make_broker(tmp_path: Path) -> Iterator[Callable[..., Broker]]:
    """Make a broker that is not started."""
    program = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if program is None:
        if os.environ.get("CI"):
            pytest.fail(NEEDED)
        pytest.skip(NEEDED)
    made: list[Broker] = []

    def make(settings: str = "allow_anonymous true") -> Broker:
        made.append(Broker(program, tmp_path, settings))
        return made[-1]

    yield make
    for broker in made:
        broker.stop()


@pytest.fixture
def broker(make_broker: Callable[..., Broker]) -> Broker:
    """A broker that runs."""
    made = make_broker()
    made.start()
    return made


@pytest.fixture
def listen() -> Iterator[Callable[[Broker], Listener]]:
    """Listen at a broker."""
    made: list[Listener] = []

    def start(at: Broker) -> Listener:
        made.append(Listener(at.port))
        return made[-1]

    yield start
    for one in made:
        one.close()
