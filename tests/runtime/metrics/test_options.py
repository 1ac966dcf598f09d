from __future__ import annotations

import sys

import pytest

from hsi.runtime.arguments import parse, request_from
from hsi.runtime.errors import OptionError
from hsi.runtime.metrics.options import MetricsOptions, metrics_from_text


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [("9108", "127.0.0.1", 9108), ("0.0.0.0:0", "0.0.0.0", 0), ("[::1]:9108", "::1", 9108)],
)
def test_an_address_is_a_port_with_or_without_a_host(text: str, host: str, port: int) -> None:
    assert metrics_from_text(text) == MetricsOptions(host=host, port=port)


@pytest.mark.parametrize("text", ["", "x", ":9108", "a:b", "http://h:1", "-1"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(OptionError, match=r"--metrics: expected \[HOST:\]PORT such as 9108"):
        metrics_from_text(text)


def test_a_port_beyond_the_last_is_refused() -> None:
    with pytest.raises(OptionError, match="expected a port from 0 to 65535, found 70000"):
        metrics_from_text("70000")


def test_the_command_line_attaches_it() -> None:
    request = request_from(parse(["test://", "--metrics", "9108"]))
    assert request.attachments == (MetricsOptions(port=9108),)


def test_without_the_library_its_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    monkeypatch.delitem(sys.modules, "hsi.runtime.metrics.server", raising=False)
    with pytest.raises(OptionError, match=r"--metrics: needs .*pip install 'hsi-edge\[metrics\]'"):
        MetricsOptions(port=0).open()
