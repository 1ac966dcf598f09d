from __future__ import annotations

import sys
from pathlib import Path

import pytest

from hsi.runtime.errors import OptionError, SourceError
from hsi.runtime.plant.opcua_options import OpcUaOptions, opcua_from_uri
from hsi.runtime.uri import redact_words


def test_an_address_has_defaults() -> None:
    assert opcua_from_uri("opc.tcp://") == OpcUaOptions()
    assert opcua_from_uri("opc.tcp://localhost:4841/").name == "opc.tcp://localhost:4841"
    assert OpcUaOptions(host="::1").name == "opc.tcp://[::1]:4840"


def test_every_part_of_an_address_is_read() -> None:
    found = opcua_from_uri("opc.tcp://plc:p%40ss@0.0.0.0:4841?styles=/s")

    assert found == OpcUaOptions(
        host="0.0.0.0", port=4841, user="plc", password="p@ss", styles=Path("/s")
    )
    assert "p@ss" not in repr(found) + found.name


@pytest.mark.parametrize(
    ("uri", "match"),
    [
        ("http://127.0.0.1", r"expected opc.tcp://127.0.0.1\[:port\]"),
        (":4840", "expected opc.tcp://"),
        ("opc.tcp://127.0.0.1:port", "expected opc.tcp://"),
        ("opc.tcp://127.0.0.1:0", "expected a port from 1 to 65535, found 0"),
        ("opc.tcp://127.0.0.1/server", "found more behind it"),
        ("opc.tcp://127.0.0.1?style=a", "unknown option 'style'"),
        ("opc.tcp://plc@127.0.0.1", "expected user and password, found one of them"),
        ("opc.tcp://plc:@127.0.0.1", "expected user and password"),
        ("opc.tcp://0.0.0.0", "expected user and password where other machines can come"),
        ("opc.tcp://192.168.1.7:4840", r"found opc.tcp://192.168.1.7:4840: write them before"),
        ("opc.tcp://line3", "expected user and password where other machines can come"),
    ],
)
def test_a_wrong_address_is_refused(uri: str, match: str) -> None:
    with pytest.raises(OptionError, match=match):
        opcua_from_uri(uri)


def test_a_refused_address_keeps_its_password() -> None:
    with pytest.raises(OptionError, match=r"expected opc.tcp://") as caught:
        opcua_from_uri("opc.tcp://plc:s3cret@127.0.0.1:port")

    assert "s3cret" not in str(caught.value)
    assert redact_words(str(caught.value)) == str(caught.value)


def test_a_missing_library_names_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "hsi.runtime.plant.opcua_server", raising=False)
    monkeypatch.setitem(sys.modules, "asyncua", None)

    with pytest.raises(OptionError, match=r"--opcua: needs asyncua, .* 'hsi-edge\[opcua\]'"):
        OpcUaOptions().open()


def test_a_folder_of_styles_that_is_missing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="expected a folder of style pictures, found none"):
        OpcUaOptions(styles=tmp_path / "none").open()
