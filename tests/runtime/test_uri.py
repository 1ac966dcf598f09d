from __future__ import annotations

import pytest

from hsi.runtime.errors import OptionError
from hsi.runtime.uri import local_path, query_of, redact, redact_words, scheme_of, size_from_text


@pytest.mark.parametrize(
    "uri",
    [
        "rtsp://user:hunter2@camera:554/stream",
        "rtsps://hunter2@camera/stream",
        "http://user:p@ss/hunter2@camera/",
        "http://user:hunter 2@camera/",
        "HTTP://user:hunter2@camera/",
        "http://camera/video?user=me&password=hunter2&fps=5",
        "http://camera/video?access_token=hunter2",
        "rtsp://camera/user=admin_password=hunter2_channel=1",
        "rtsp:/user:hunter2@camera/stream",
        "user:hunter2@camera",
    ],
)
def test_redact_hides_the_secret(uri: str) -> None:
    assert "hunter" not in redact(uri)
    assert "ss/" not in redact(uri)


@pytest.mark.parametrize(
    "uri",
    [
        "rtsp://camera:554/stream?fps=25",
        "test://1920x1080@30?frames=10",
        "/data/run@home/clip.mp4",
        "data/key=1/clip.mp4",
        "0",
    ],
)
def test_redact_keeps_what_holds_no_secret(uri: str) -> None:
    assert redact(uri) == uri


def test_redact_keeps_host_and_path() -> None:
    assert redact("rtsp://me:pw@camera:554/a?b=c") == "rtsp://***@camera:554/a?b=c"


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("no option --x rtsp://me:pw@cam", "no option --x rtsp://***@cam"),
        ("no option 'me:pw@cam'", "no option '***@cam'"),
        (
            "http://cam?token=pw: gone, try test://9x9@30",
            "http://cam?token=***: gone, try test://9x9@30",
        ),
        ("http://a:b@c lost\n  @decorated", "http://***@c lost\n  @decorated"),
    ],
)
def test_redact_words_hides_every_secret_and_nothing_else(message: str, expected: str) -> None:
    assert redact_words(message) == expected
    assert redact_words(expected) == expected


def test_scheme_is_lower_case_and_empty_for_paths() -> None:
    assert scheme_of("RTSP://x") == "rtsp"
    assert scheme_of("a/b.mp4") == ""


def test_file_address_becomes_a_path() -> None:
    assert local_path("file:///data/my%20clip.mp4") == "/data/my clip.mp4"
    assert local_path("clip.mp4") == "clip.mp4"


def test_file_address_of_another_host_is_refused() -> None:
    with pytest.raises(OptionError, match=r"names a file of this machine, found the host 'nas'"):
        local_path("file://nas/clip.mp4")


def test_query_refuses_what_it_does_not_know() -> None:
    with pytest.raises(OptionError, match="unknown option 'pace', known are frames=300"):
        query_of("test://640x480?pace=2", allowed={"frames": "300"})


def test_query_refuses_an_option_twice() -> None:
    with pytest.raises(OptionError, match="'frames' stands there twice"):
        query_of("test://640x480?frames=2&frames=3", allowed={"frames": "300"})


@pytest.mark.parametrize("text", ["640", "640x", "0x480", "640x99999", "-1x5", "axb"])
def test_size_names_what_is_wrong(text: str) -> None:
    with pytest.raises(OptionError, match=r"--size must .*got"):
        size_from_text(text, of="--size")


def test_size_is_width_then_height() -> None:
    assert size_from_text("640x480", of="--size") == (640, 480)
