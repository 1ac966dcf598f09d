from __future__ import annotations

import errno
from pathlib import Path

import pytest

from hsi.runtime.errors import OptionError, OutputError, SourceError
from hsi.runtime.image_output import FolderOutput, PictureOutput
from hsi.runtime.null_output import NullOutput
from hsi.runtime.output import OutputOptions, keeps_result, open_output, output_error
from hsi.runtime.source import SourceLost
from hsi.runtime.video_output import VideoOutput


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("out.mp4", VideoOutput),
        ("OUT.MKV", VideoOutput),
        ("out.mov", VideoOutput),
        ("out.png", PictureOutput),
        ("new/", FolderOutput),
        ("new/*.jpg", FolderOutput),
        ("new.mp4/", FolderOutput),
    ],
)
def test_the_name_says_the_kind(tmp_path: Path, name: str, kind: type) -> None:
    with open_output(f"{tmp_path}/{name}") as output:
        assert isinstance(output, kind)


def test_an_existing_folder_is_one_and_a_file_address_a_path(tmp_path: Path) -> None:
    assert isinstance(open_output(tmp_path), FolderOutput)
    assert isinstance(open_output((tmp_path / "a.mp4").as_uri()), VideoOutput)


@pytest.mark.parametrize("name", ["null:", "null", "null://"])
def test_null_opens_nothing(name: str) -> None:
    assert isinstance(open_output(name), NullOutput)


@pytest.mark.parametrize("name", ["out", "out.avi", "out.txt"])
def test_an_unknown_kind_of_file_lists_the_known(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # away from a folder out/ that a demo may have left
    with pytest.raises(OptionError, match=rf"{name}: unknown kind of output, .*out\.mp4"):
        open_output(name)


def test_an_unknown_scheme_is_refused_without_its_password() -> None:
    with pytest.raises(OptionError, match=r"^srt://\*\*\*@host/x: unknown kind of output"):
        open_output("srt://me:pw@host/x")


def test_an_empty_address_is_refused() -> None:
    with pytest.raises(OptionError, match="the output is an empty text"):
        open_output("")


def test_opening_leaves_no_file_behind(tmp_path: Path) -> None:
    for name in ("a.mp4", "a.png"):
        with open_output(tmp_path / name):
            pass
    assert list(tmp_path.iterdir()) == []


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"a\.mp4: cannot write it: the folder does not exist"):
        open_output(tmp_path / "gone" / "a.mp4")


@pytest.mark.parametrize("fps", [0, -1, 1001, float("nan")])
def test_options_refuse_impossible_rates(fps: float) -> None:
    with pytest.raises(OptionError, match="fps must be more than 0 and up to 1000, got"):
        OutputOptions(fps=fps)


def test_what_was_recorded_is_kept_unless_a_fault_ended_it() -> None:
    assert keeps_result(None)
    assert keeps_result(KeyboardInterrupt())
    assert keeps_result(SourceLost("gone"))
    assert not keeps_result(SourceError("damaged"))
    assert not keeps_result(OutputError("full"))


@pytest.mark.parametrize(
    ("number", "advice"),
    [
        (errno.ENOSPC, "the disk is full: free some space"),
        (errno.EROFS, "the disk is read-only"),
        (errno.EACCES, "no permission to write there"),
        (errno.EIO, "Input/output error"),
    ],
)
def test_errors_say_what_to_do(number: int, advice: str) -> None:
    error = OSError(number, "Input/output error")
    assert str(output_error("a.mp4", error)).startswith(f"a.mp4: cannot write it: {advice}")
