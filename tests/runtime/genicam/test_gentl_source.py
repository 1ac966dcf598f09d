"""Against a real producer, the one with three virtual cameras that comes with genicam."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import pytest

from hsi.runtime.cli import main
from hsi.runtime.errors import OptionError, SourceError
from hsi.runtime.genicam import gentl_producer
from hsi.runtime.genicam.gentl_producer import PATHS
from hsi.runtime.probe import probe
from hsi.runtime.source import open_source
from tests.runtime.genicam.reading import frames_of


@pytest.fixture(scope="module")
def producer() -> Path:
    spec = importlib.util.find_spec("genicam")
    if spec is None or spec.origin is None:
        needed = "the extra gentl is not installed: pip install 'hsi-edge[gentl]'"
        if os.environ.get("CI"):
            pytest.fail(needed)
        pytest.skip(needed)
    return Path(spec.origin).with_name("viky.cti")


def test_the_first_camera_of_a_producer_plays_in_its_colours(producer: Path) -> None:
    with open_source(f"gentl://{producer}") as source:
        assert (source.live, source.size, source.frame_count) == (True, (400, 400), None)
        frames = frames_of(source, 5)
    assert [frame.number for frame in frames] == [0, 1, 2, 3, 4]
    assert frames[0].source == f"gentl://{producer}"
    # A red ball on white.
    blue, green, red = frames[-1].image.mean(axis=(0, 1))
    assert red > blue
    assert blue == pytest.approx(green, abs=1)


def test_a_camera_is_found_by_its_serial_number_and_set_up_as_asked(
    producer: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(PATHS, f"/nowhere:{producer.parent}")
    with open_source("gentl://2?format=Mono8&size=200x100&fps=50") as source:
        assert (source.size, source.fps) == ((200, 100), 50)
        image = frames_of(source, 1)[0].image
    assert image.shape == (100, 200, 3)
    assert (image == image[..., :1]).all()


def test_two_cameras_of_one_producer_play_at_once(producer: Path) -> None:
    with open_source(f"gentl://{producer}?id=0") as red:
        with open_source(f"gentl://{producer}?id=VikyTL_DEV_blue") as blue:
            assert len(frames_of(red, 2)) == len(frames_of(blue, 2)) == 2
        assert len(frames_of(red, 2)) == 2


def test_a_camera_can_be_opened_again(producer: Path) -> None:
    for _ in range(3):
        with open_source(f"gentl://{producer}") as source:
            assert frames_of(source, 1)


def test_a_camera_in_use_says_so(producer: Path) -> None:
    with (
        open_source(f"gentl://{producer}?id=0"),
        pytest.raises(SourceError, match=r"cannot open VikyTL_DEV_red: .*another program has it"),
    ):
        open_source(f"gentl://{producer}?id=0")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("id=nobody", r"no such camera, found VikyTL_DEV_red, .*check the cable"),
        ("gain=3", r"the camera has no Gain: leave this option out"),
        ("size=9999x8", r"Value = 9999 must be equal or smaller than Max = 800"),
    ],
)
def test_what_the_camera_refuses_is_told(producer: Path, words: str, message: str) -> None:
    with pytest.raises(SourceError, match=f"^gentl://.*{message}"):
        open_source(f"gentl://{producer}?{words}")


def test_a_format_that_the_camera_does_not_have_is_refused(producer: Path) -> None:
    with pytest.raises(OptionError, match=r"format must be .*, RGBa8, Mono8, got 'Mono12'"):
        open_source(f"gentl://{producer}?format=Mono12")


def test_what_is_no_producer_is_refused(producer: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.cti"
    with pytest.raises(SourceError, match=r"other\.cti: cannot load this GenTL producer: FileNot"):
        open_source(f"gentl://{other}")
    other.write_text("no library")
    with pytest.raises(SourceError, match=r"other\.cti: cannot load .*: check the path"):
        open_source(f"gentl://{other}")


def test_without_a_producer_the_message_names_the_variable(
    producer: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(PATHS, raising=False)
    with pytest.raises(SourceError, match=r"gentl://1: GENICAM_GENTL64_PATH names no folder"):
        open_source("gentl://1")


def test_cameras_are_listed_and_probed(
    producer: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(PATHS, str(producer.parent))
    assert main(["--list-cameras"]) == 0
    lines = capsys.readouterr().out.splitlines()
    address, device, name = next(line for line in lines if "DEV_green" in line).split("  ")
    assert (address, device) == (f"gentl://{producer}?id=1", "VikyTL_DEV_green")
    assert name == "Machine Vision Games Ltd. Viky (GenTL)"
    found = probe(address, seconds=0.5)
    assert (found.live, found.size) == (True, (400, 400))


def test_without_harvesters_the_message_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def missing(name: str) -> None:
        raise ImportError(f"No module named {name!r}")

    gentl_producer.load_harvesters.cache_clear()
    monkeypatch.setattr("importlib.import_module", missing)
    assert main(["gentl://1", "-o", "null:"]) == 3
    err = capsys.readouterr().err
    assert "gentl://1: GenTL cameras need harvesters" in err
    assert "pip install 'hsi-edge[gentl]'" in err
    assert err.count("\n") == 1
    gentl_producer.load_harvesters.cache_clear()
    gentl_producer.failures.cache_clear()
