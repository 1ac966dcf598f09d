from __future__ import annotations

import sys
from pathlib import Path

import pytest

from hsi.runtime.errors import OptionError, SourceError
from hsi.runtime.plant.mqtt_options import MqttOptions, mqtt_from_uri


def test_an_address_has_defaults() -> None:
    assert mqtt_from_uri("mqtt://") == MqttOptions()
    assert mqtt_from_uri("mqtts://broker").port == 8883


def test_every_part_of_an_address_is_read() -> None:
    uri = "mqtts://li%6Ee:p%40ss@broker:1884/plant/line-3/?every=500ms&ca=ca.pem&styles=/s"

    found = mqtt_from_uri(uri)

    assert found == MqttOptions(
        host="broker",
        port=1884,
        topic="plant/line-3",
        user="line",
        password="p@ss",
        tls=True,
        ca=Path("ca.pem"),
        every_s=0.5,
        styles=Path("/s"),
    )
    assert found.name == "mqtts://broker:1884/plant/line-3"
    assert "p@ss" not in repr(found)


@pytest.mark.parametrize(
    ("uri", "match"),
    [
        ("http://broker", "expected mqtt://"),
        ("broker", "expected mqtt://"),
        ("mqtt://broker:port/", "expected mqtt://"),
        ("mqtt://broker:0/", "expected a port from 1 to 65535, found 0"),
        ("mqtt://broker/a/+/b", r"without \+ and #, found 'a/\+/b'"),
        ("mqtt://broker/a//b", "expected a topic such as"),
        ("mqtt://broker/a#b", "a topic has no #"),
        ("mqtt://broker/a%00b", "expected a topic such as"),
        ("mqtt://broker/" + "x" * 201, "expected a topic such as"),
        ("mqtt://broker/a?every=1ms", "expected every=100ms to 1h, found 0.001 s"),
        ("mqtt://broker/a?evry=1s", "unknown option 'evry', known are every=5s"),
        ("mqtt://broker/a?ca=ca.pem", "ca= is for mqtts://"),
    ],
)
def test_a_wrong_address_is_refused(uri: str, match: str) -> None:
    with pytest.raises(OptionError, match=match):
        mqtt_from_uri(uri)


def test_a_refused_address_keeps_its_password() -> None:
    with pytest.raises(OptionError, match=r"mqtt://\*\*\*@broker:port") as caught:
        mqtt_from_uri("mqtt://me:s3cret@broker:port/")

    assert "s3cret" not in str(caught.value)


def test_a_missing_library_names_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "hsi.runtime.plant.mqtt_link", raising=False)
    monkeypatch.setitem(sys.modules, "paho.mqtt.client", None)

    with pytest.raises(OptionError, match=r"--mqtt: needs paho\S*, .* 'hsi-edge\[mqtt\]'"):
        MqttOptions().open()


def test_certificates_that_are_none_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "ca.pem"
    path.write_text("none")

    with pytest.raises(OptionError, match=r"ca.pem: expected certificates \(PEM\), found none"):
        MqttOptions(tls=True, ca=path).open()


def test_a_folder_of_styles_that_is_missing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="expected a folder of style pictures, found none"):
        MqttOptions(styles=tmp_path / "none").open()
