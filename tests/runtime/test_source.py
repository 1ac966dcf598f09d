from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from hsi.runtime.camera_source import CameraSource
from hsi.runtime.errors import OptionError, SourceError
from hsi.runtime.image_source import ImageSource
from hsi.runtime.pattern_source import PatternSource
from hsi.runtime.source import SourceLost, SourceOptions, open_source
from hsi.runtime.video_source import VideoSource


def test_a_video_file_opens_as_video(clip: Path) -> None:
    for uri in (clip, str(clip), clip.as_uri()):
        with open_source(uri) as source:
            assert isinstance(source, VideoSource)
            assert not source.live


def test_a_picture_and_a_folder_open_as_pictures(make_picture: Callable[..., Path]) -> None:
    path = make_picture("in/cat.png")
    for uri in (path, path.parent):
        with open_source(uri) as source:
            assert isinstance(source, ImageSource)


def test_a_pattern_opens_all_that_it_matches(make_picture: Callable[..., Path]) -> None:
    make_picture("in/a1.png")
    make_picture("in/deep/a2.png")
    root = make_picture("in/b.jpg").parent
    for pattern, count in (("*.png", 1), ("**/*.png", 2), ("*.*", 2)):
        with open_source(f"{root}/{pattern}") as source:
            assert source.frame_count == count


def test_a_file_with_brackets_in_its_name_is_that_file(make_picture: Callable[..., Path]) -> None:
    with open_source(make_picture("in/cat[1].png")) as source:
        assert source.frame_count == 1


def test_test_scheme_opens_a_pattern() -> None:
    with open_source("test://64x48@10") as source:
        assert isinstance(source, PatternSource)


@pytest.mark.parametrize("uri", ["97", "/dev/video97", "v4l2:///dev/video97"])
def test_a_missing_camera_is_named_and_a_way_out_given(uri: str) -> None:
    with pytest.raises(SourceError, match=r"97: there is no /dev/video97, found .*test://"):
        open_source(uri)


def test_an_unknown_scheme_is_refused_without_its_password() -> None:
    with pytest.raises(OptionError, match=r"^ftp://\*\*\*@host/x: unknown kind of source ftp://"):
        open_source("ftp://me:pw@host/x")


def test_a_missing_file_is_named() -> None:
    with pytest.raises(SourceError, match=r"gone\.mp4: no such file or folder"):
        open_source("gone.mp4")


def test_an_empty_address_is_refused() -> None:
    with pytest.raises(OptionError, match="the source is an empty text"):
        open_source("")


def test_a_folder_without_pictures_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no picture")
    with pytest.raises(SourceError, match="no picture there, expected files such as"):
        open_source(tmp_path)


def test_a_pattern_without_match_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"\*\.png: no picture there"):
        open_source(tmp_path / "*.png")


def test_lost_is_a_source_error() -> None:
    assert issubclass(SourceLost, SourceError)
    assert SourceLost.exit_code == 3


@pytest.mark.parametrize("name", ["open_timeout_s", "read_timeout_s"])
def test_options_refuse_no_time_at_all(name: str) -> None:
    with pytest.raises(OptionError, match=f"{name} must be more than 0 seconds, got 0"):
        SourceOptions(**{name: 0})  # type: ignore[arg-type]


def test_camera_source_is_a_class_of_its_own() -> None:
    assert CameraSource.live
