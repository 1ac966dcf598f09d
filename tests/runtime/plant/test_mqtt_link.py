"""A line at a real Mosquitto, with the shipped bundle."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hsi.runtime.plant.mqtt_options import MqttOptions

LivePlays = Callable[..., Any]
Listen = Callable[[Any], Any]
Wait = Callable[[Callable[[], object]], None]


@pytest.fixture
def line(live_play: LivePlays, broker: Any) -> Any:
    """A line at the broker."""
    return live_play(attachments=(MqttOptions(port=broker.port, topic="line", every_s=0.3),))


def test_a_line_says_that_it_is_there_and_how_it_is(line: Any, broker: Any, listen: Listen) -> None:
    listener = listen(broker)

    assert listener.next("available") == "online"
    status = listener.next("status")

    assert (status["engine"], status["style"]) == ("openvino", "starry-night")
    assert status["cameras"][0]["name"] == "test://96x64@30"
    assert status["cameras"][0]["resolution"] == 1.0
    assert "events" not in status
    assert listen(broker).next_is_retained("status")  # who comes later finds the last one


def test_a_command_is_obeyed_and_answered_and_told(line: Any, broker: Any, listen: Listen) -> None:
    listener = listen(broker)
    listener.next("available")

    listener.send(
        '{"id": "a7", "style": [["great-wave", 0.7], ["the-scream", 0.3]], "strength": 0.5}'
    )

    event = listener.next("event", kind="style changed")
    assert event["text"] == "style: style changed: great-wave+the-scream"
    assert listener.next("reply") == {
        "id": "a7",
        "ok": True,
        "style": "great-wave+the-scream",
        "strength": 0.5,
        "stability": line.live.status().stability,
    }


def test_a_wrong_command_is_answered_and_changes_nothing(
    line: Any, broker: Any, listen: Listen
) -> None:
    listener = listen(broker)
    listener.next("available")

    listener.send('{"id": 8, "style": "/etc/passwd", "strength": 0}')

    reply = listener.next("reply")
    assert (reply["id"], reply["ok"]) == (8, False)
    assert "style '/etc/passwd': expected one of composition-vii, " in reply["error"]
    assert line.live.status().strength > 0


def test_a_retained_command_is_not_obeyed_again(
    live_play: LivePlays, broker: Any, listen: Listen
) -> None:
    listener = listen(broker)
    listener.send('{"strength": 0}', retain=True)
    line = live_play(attachments=(MqttOptions(port=broker.port, topic="line", every_s=0.3),))
    listener.next("status")

    listener.send('{"id": 2, "stability": 0.5}')

    assert listener.next("reply")["id"] == 2
    assert line.live.status().strength > 0


def test_a_broker_that_stops_and_starts_is_not_noticed_by_the_line(
    line: Any, broker: Any, listen: Listen, caplog: pytest.LogCaptureFixture
) -> None:
    first = listen(broker)
    first.next("status")
    before = line.live.status()

    broker.stop()
    time.sleep(1)
    line.live.set_style("great-wave")  # an event that the broker does not hear
    during = line.live.status()
    broker.start()
    again = listen(broker)

    assert again.next("available") == "online"
    assert again.next("event", kind="style changed")["detail"] == "great-wave"
    again.next("status", style="great-wave")
    after = line.live.status()
    assert before.cameras[0].shown < during.cameras[0].shown < after.cameras[0].shown
    assert after.cameras[0].stalls == after.cameras[0].losses == 0
    assert [r.message for r in caplog.records if "tried again" in r.message]


def test_the_end_of_a_run_is_said(line: Any, broker: Any, listen: Listen) -> None:
    listener = listen(broker)
    assert listener.next("available") == "online"

    assert line.end() is not None

    assert listener.next("available") == "offline"


def test_no_broker_keeps_no_run_from_beginning_and_ending(
    live_play: LivePlays, make_broker: Any, caplog: pytest.LogCaptureFixture, wait: Wait
) -> None:
    line = live_play(frames=5, attachments=(MqttOptions(port=make_broker().port),))

    wait(lambda: line.result)

    assert line.error is None
    assert line.result.summary.shown > 0
    assert caplog.text.count("no broker answers; tried again until it works") == 1


def test_a_password_is_asked_for_and_shown_nowhere(
    live_play: LivePlays, make_broker: Any, caplog: pytest.LogCaptureFixture, wait: Wait
) -> None:
    caplog.set_level(logging.DEBUG)
    broker = make_broker("allow_anonymous false")
    broker.start()
    options = MqttOptions(port=broker.port, topic="line", user="line3", password="s3cret")

    line = live_play(attachments=(options,))

    wait(lambda: "check user and password" in caplog.text)
    assert line.live.status().cameras
    assert "s3cret" not in caplog.text + repr(options)


def test_pictures_of_a_folder_may_be_chosen(
    live_play: LivePlays, broker: Any, listen: Listen, make_picture: Callable[..., Path]
) -> None:
    folder = make_picture("mine/oil.png").parent
    live_play(attachments=(MqttOptions(port=broker.port, topic="line", styles=folder),))
    listener = listen(broker)
    listener.next("status")

    listener.send('{"style": "oil"}')

    assert listener.next("reply")["style"] == "oil"
