"""Against Aravis' own GigE Vision camera."""

from __future__ import annotations

import logging
import time
from typing import Any

import numpy as np
import pytest

from hsi.runtime.cli import main
from hsi.runtime.errors import OptionError, SourceError
from hsi.runtime.event import EventKind
from hsi.runtime.genicam import aravis
from hsi.runtime.probe import probe
from hsi.runtime.source import CorruptFrame, open_source
from tests.runtime.genicam.reading import frames_of


@pytest.fixture
def camera(gige_camera: Any) -> Any:
    gige_camera.start()
    return gige_camera


def test_a_camera_is_found_by_address_by_serial_number_and_as_the_first(camera: Any) -> None:
    for name in ("127.0.0.1", camera.serial.lower(), ""):
        with open_source(f"gige://{name}?size=160x120") as source:
            assert (source.live, source.size, source.frame_count) == (True, (160, 120), None)
            frames = frames_of(source, 3)
        assert [frame.number for frame in frames] == [0, 1, 2]
        assert {frame.size for frame in frames} == {(160, 120)}


def test_a_camera_is_set_up_as_asked(camera: Any) -> None:
    with open_source(f"{camera.uri}?size=160x120&fps=40&exposure=5000&gain=1") as source:
        assert source.fps == pytest.approx(40)
        begun = time.monotonic()
        assert len(frames_of(source, 20)) == 20
        assert 20 / (time.monotonic() - begun) < 60


_STILL = "size=256x256&exposure=5000&gain=1"


def _ramp(camera: Any, pixel_format: str) -> np.ndarray[Any, Any]:
    """The mean colour of the pictures, whose colours run along the diagonal."""
    with open_source(f"{camera.uri}?{_STILL}&format={pixel_format}") as source:
        image = frames_of(source, 1)[0].image
    return np.asarray(image.mean(axis=(0, 1)))


def test_formats_are_converted_and_the_log_says_so_once(
    camera: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    colour = _ramp(camera, "RGB8")
    assert np.ptp(colour) > 30
    assert _ramp(camera, "BayerGR8") == pytest.approx(colour, abs=3)
    assert np.ptp(_ramp(camera, "Mono8")) == 0
    assert _ramp(camera, "Mono16") == pytest.approx(_ramp(camera, "Mono8"), abs=3)
    assert caplog.text.count("OpenCV converts BayerGR8 to 8-bit BGR") == 1


def test_a_frame_with_missing_packets_is_damaged(gige_camera: Any) -> None:
    gige_camera.start(lost_per_mille=20)
    damaged = whole = 0
    with open_source(f"{gige_camera.uri}?fps=60") as source:
        deadline = time.monotonic() + 10
        while damaged < 3 and time.monotonic() < deadline:
            try:
                whole += source.read(0.5) is not None
            except CorruptFrame:
                damaged += 1
    assert damaged == 3


def test_a_killed_camera_is_back_soon_after_its_return(camera: Any, watched_lines: Any) -> None:
    with watched_lines.Line(f"{camera.uri}?size=160x120") as line:
        assert line.frame_after(0.0) is not None
        killed = time.monotonic()
        camera.kill()
        # The promise is three seconds.
        assert line.event_after(killed, [EventKind.STALLED]) < 5
        camera.start()
        # The promise is two seconds; this machine may be busy with other things.
        assert line.frame_after(time.monotonic()) < 5
        assert line.event_after(killed, [EventKind.RETURNED]) is not None
    assert line.summary.event_counts["returned"] == 1


def test_a_camera_that_is_not_there_tells_which_are(camera: Any) -> None:
    found = rf"no such camera answers, found .*{camera.serial} at 127\.0\.0\.1: check the cable"
    with pytest.raises(SourceError, match=f"^gige://nobody: {found}"):
        open_source("gige://nobody")
    camera.kill()
    with pytest.raises(SourceError, match=r"^gige://127\.0\.0\.1: cannot open it: .*: check the"):
        open_source("gige://127.0.0.1")


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("format=Mono12p", "format must be one that the camera has .*Mono8.*, got 'Mono12p'"),
        ("gain=much", "gain must be a number such as 6 .*, got 'much'"),
        ("fps=-1", "fps must be a number such as 30, got '-1'"),
        ("size=640", "must be WIDTHxHEIGHT"),
        ("zoom=2", "unknown option 'zoom'"),
    ],
)
def test_a_malformed_option_says_what_is_wrong(camera: Any, query: str, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        open_source(f"{camera.uri}?{query}")


def test_the_camera_is_listed_and_probed(camera: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--list-cameras"]) == 0
    line = f"gige://{camera.serial}  127.0.0.1  Aravis Fake (GigEVision)\n"
    assert line in capsys.readouterr().out
    found = probe(f"{camera.uri}?size=160x120&fps=20", seconds=1.0)
    assert (found.live, found.size, found.corrupt) == (True, (160, 120), 0)
    assert found.measured_fps == pytest.approx(20, rel=0.5)


def test_without_the_library_the_message_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def missing(name: str) -> None:
        raise OSError(f"{name}: cannot open shared object file")

    aravis.load_aravis.cache_clear()
    monkeypatch.setattr("ctypes.CDLL", missing)
    assert main(["gige://127.0.0.1", "-o", "null:"]) == 3
    assert "gige://127.0.0.1: GigE Vision" in (err := capsys.readouterr().err)
    assert "apt-get install libaravis-0.8-0" in err
    assert err.count("\n") == 1
    assert main(["--list-cameras"]) == 0
