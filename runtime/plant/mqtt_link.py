"""A line at an MQTT broker: status and events out, commands in."""

from __future__ import annotations

import contextlib
import json
import logging
import queue
import socket
import threading
import time
from collections import deque
from dataclasses import asdict
from typing import Any
from uuid import uuid4

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage, MQTTMessageInfo
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from hsi.runtime.errors import OptionError
from hsi.runtime.event import Event
from hsi.runtime.live_run import LiveRun
from hsi.runtime.plant.command import answer
from hsi.runtime.plant.mqtt_options import MqttOptions
from hsi.runtime.plant.recipes import recipes_from

logger = logging.getLogger(__name__)

_KEEP_ALIVE_S = 15
_RETRY_S = (1, 30)  # at first, at most
_COMMANDS = 100  # that may wait
_EVENTS = 1000  # that are kept for a broker that is away
_LEAVE_S = 0.5  # for each of three steps
_AT_LEAST_ONCE = 1


class MqttLink:
    """One line at a broker, which may come, go and come back.

    Below the topic: `available` (`online` or `offline`, retained, the last will), `status` (JSON,
    retained), `event` (JSON), `command` and `reply` (JSON, see :mod:`hsi.runtime.plant.command`).

    Two threads of its own: one for the network, one that talks to the line.
    """

    def __init__(self, options: MqttOptions) -> None:
        self._options = options
        self.name = options.name
        self._commands: queue.Queue[bytes] = queue.Queue(_COMMANDS)
        self._events: deque[Event] = deque(maxlen=_EVENTS)
        self._wake = threading.Event()
        self._leaving = threading.Event()
        self._status_due = 0.0  # monotonic
        self._told_away = False
        self._threads: list[threading.Thread] = []
        self._client = self._made_client()

    def attach(self, live: LiveRun) -> None:
        """Begin to connect, to tell and to listen."""
        recipes = recipes_from(self._options.styles, (word for word, _ in live.status().styles))
        live.subscribe(self._note_event)
        self._client.connect_async(self._options.host, self._options.port, _KEEP_ALIVE_S)
        self._threads = [
            threading.Thread(target=self._run_network, name="mqtt network", daemon=True),
            threading.Thread(target=self._talk, args=(live, recipes), name="mqtt", daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def __enter__(self) -> MqttLink:
        return self

    def __exit__(self, *reason: object) -> None:
        """Say goodbye, if the broker listens, and leave."""
        self._leaving.set()
        self._wake.set()
        if self._client.is_connected():
            with contextlib.suppress(RuntimeError, ValueError):
                self._publish("available", "offline", retain=True).wait_for_publish(_LEAVE_S)
        self._client.disconnect()
        for thread in self._threads:
            thread.join(_LEAVE_S)

    def _made_client(self) -> Client:
        options = self._options
        # A name of its own each time: a second line by this name would throw the first one out.
        name = f"hsi-edge-{socket.gethostname()}-{uuid4().hex[:8]}"
        client = Client(CallbackAPIVersion.VERSION2, client_id=name)
        if options.user is not None:
            client.username_pw_set(options.user, options.password)
        if options.tls:
            try:
                client.tls_set(ca_certs=None if options.ca is None else str(options.ca))
            except (OSError, ValueError) as error:
                raise OptionError(
                    f"--mqtt: {options.ca}: expected certificates (PEM), found none: {error}"
                ) from error
        client.will_set(self._topic("available"), "offline", _AT_LEAST_ONCE, retain=True)
        client.reconnect_delay_set(*_RETRY_S)
        client.max_queued_messages_set(_EVENTS)
        client.on_connect = self._on_connect
        client.on_connect_fail = self._on_no_broker
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        return client

    def _run_network(self) -> None:
        while not self._leaving.is_set():
            try:
                self._client.loop_forever(retry_first_connection=True)
            except Exception as error:  # a host name that is none, a certificate that is refused
                self._say_away(f"{type(error).__name__}: {error}")
            self._leaving.wait(_RETRY_S[1])

    def _talk(self, live: LiveRun, recipes: dict[str, str]) -> None:
        while not self._leaving.is_set():
            self._wake.wait(max(0.0, self._status_due - time.monotonic()))
            self._wake.clear()
            try:
                told = self._tell_events()
                answered = self._answer_commands(live, recipes)
                if told or answered or time.monotonic() >= self._status_due:
                    self._status_due = time.monotonic() + self._options.every_s
                    self._tell_status(live)
            except Exception:
                logger.warning("%s: a message was not sent", self.name, exc_info=True)

    def _answer_commands(self, live: LiveRun, recipes: dict[str, str]) -> bool:
        answered = False
        while not self._leaving.is_set():
            try:
                payload = self._commands.get_nowait()
            except queue.Empty:
                break
            self._tell("reply", answer(payload, live, recipes))
            answered = True
        return answered

    def _tell_events(self) -> bool:
        told = False
        while self._events and self._client.is_connected():
            event = self._events.popleft()
            self._tell("event", {**asdict(event), "kind": event.kind.value, "text": str(event)})
            told = True
        return told

    def _tell_status(self, live: LiveRun) -> None:
        status = live.status().as_dict()
        status.pop("events")  # they have a topic of their own
        self._tell("status", status, retain=True)

    def _tell(self, where: str, record: dict[str, Any], *, retain: bool = False) -> None:
        if self._client.is_connected():  # a status for later would be a lie then
            self._publish(where, json.dumps(record), retain=retain)

    def _publish(self, where: str, text: str, *, retain: bool = False) -> MQTTMessageInfo:
        return self._client.publish(self._topic(where), text, _AT_LEAST_ONCE, retain=retain)

    def _topic(self, where: str) -> str:
        return f"{self._options.topic}/{where}"

    def _note_event(self, event: Event) -> None:
        self._events.append(event)
        self._wake.set()

    def _on_connect(
        self,
        client: Client,
        userdata: Any,
        flags: ConnectFlags,
        reason: ReasonCode,
        properties: Properties | None,
    ) -> None:
        if reason.is_failure:
            self._say_away(f"{reason}: check user and password")
            return
        logger.info("%s: connected", self.name)
        self._told_away = False
        client.subscribe(self._topic("command"), _AT_LEAST_ONCE)
        self._publish("available", "online", retain=True)
        self._status_due = 0.0
        self._wake.set()

    def _on_no_broker(self, client: Client, userdata: Any) -> None:
        self._say_away("no broker answers")

    def _on_disconnect(
        self,
        client: Client,
        userdata: Any,
        flags: DisconnectFlags,
        reason: ReasonCode,
        properties: Properties | None,
    ) -> None:
        if not self._leaving.is_set():
            self._say_away(str(reason))

    def _on_message(self, client: Client, userdata: Any, message: MQTTMessage) -> None:
        if message.retain:
            # It would be obeyed again after every loss of the broker.
            logger.warning("%s: a retained command is not obeyed: send it without", self.name)
            return
        try:
            self._commands.put_nowait(bytes(message.payload))
        except queue.Full:
            logger.warning("%s: a command is dropped: %d wait already", self.name, _COMMANDS)
        self._wake.set()

    def _say_away(self, why: str) -> None:
        """Once for each time that the broker is away."""
        if not self._told_away:
            logger.warning("%s: %s; tried again until it works", self.name, why)
        self._told_away = True
