"""Tests of what the user says about the control page."""

import builtins
import sys
from pathlib import Path
from typing import Any

import pytest

from hsi.runtime.control.options import ControlOptions, control_options_from_uri
from hsi.runtime.errors import OptionError, OutputError


def test_the_address_gives_port_readers_and_folder(tmp_path: Path) -> None:
    found = control_options_from_uri(f"http://@:8080/?readers=5&folder={tmp_path}", bind=None)

    assert found == ControlOptions(port=8080, bind="127.0.0.1", readers=5, folder=tmp_path)
    assert found.loopback


def test_bind_opens_the_page_to_others() -> None:
    assert not control_options_from_uri("http://@:8080", bind="0.0.0.0").loopback
    assert control_options_from_uri("http://@:8080", bind="::1").loopback


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("http://0.0.0.0:8080/", r"http://0.0.0.0:8080/: expected http://@:PORT/ .*--bind"),
        ("http://@/", r"expected http://@:PORT/"),
        ("http://@:70000/", r"a port up to 65535, found 70000"),
        ("http://@:80/?readers=many", r"expected readers=32, found 'many'"),
        ("http://@:80/?readers=0", r"1 to 200 readers, found 0"),
        ("http://@:80/?width=3", r"unknown option 'width'"),
        ("http://@:80/?folder=/nowhere", r"a folder for recordings, found '/nowhere'"),
    ],
)
def test_a_wrong_address_is_refused(uri: str, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        control_options_from_uri(uri, bind=None)


def test_a_name_is_no_address_to_bind() -> None:
    with pytest.raises(OptionError, match=r"--bind: expected an address .*found 'everywhere'"):
        control_options_from_uri("http://@:80/", bind="everywhere")


def test_a_port_in_use_is_refused_before_the_model_loads() -> None:
    with ControlOptions(port=0).open() as page, page._socket as held:
        held.listen()
        with pytest.raises(OutputError, match=r"cannot be served: .*choose another port"):
            ControlOptions(port=page.port).open()


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(OutputError, match=r"http://192.0.2.1:0/: cannot be served"):
        ControlOptions(port=0, bind="192.0.2.1").open()


def test_a_missing_library_names_the_extra(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delitem(sys.modules, "hsi.runtime.control.page", raising=False)
    real = builtins.__import__

    def fails(name: str, *words: Any, **options: Any) -> Any:
        if name == "uvicorn":
            raise ModuleNotFoundError("No module named 'uvicorn'", name="uvicorn")
        return real(name, *words, **options)

    monkeypatch.setattr(builtins, "__import__", fails)
    with pytest.raises(OptionError, match=r"uvicorn.*pip install 'hsi-edge\[control\]'"):
        ControlOptions(port=0).open()
