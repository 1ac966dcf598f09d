from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest

from hsi.runtime import video_output
from hsi.runtime.errors import OutputError, SourceError
from hsi.runtime.frame import Frame, Image
from hsi.runtime.source import SourceLost
from hsi.runtime.video_output import VideoOutput

MakeFrame = Callable[..., Frame]
ReadVideo = Callable[[Path], list[tuple[float, Image]]]


def _write(path: Path, frames: list[Frame], fps: float | None = 25.0) -> None:
    with VideoOutput(path, fps=fps) as output:
        for frame in frames:
            output.write(frame, frame.image)


@pytest.mark.parametrize("suffix", [".mp4", ".m4v", ".mkv", ".mov"])
def test_frames_come_back_in_order_and_time(
    tmp_path: Path, make_frame: MakeFrame, read_video: ReadVideo, suffix: str
) -> None:
    path = tmp_path / f"out{suffix}"
    _write(path, [make_frame(number) for number in range(20)])
    found = read_video(path)
    assert [round(float(image.mean()) / 11) for _, image in found] == list(range(20))
    assert [time_s for time_s, _ in found] == pytest.approx([n / 25 for n in range(20)], abs=1e-3)
    assert [path.name for path in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("fps", [24, 25, 24000 / 1001, 30000 / 1001, 60, 12.5])
def test_the_rate_of_the_source_is_kept(tmp_path: Path, make_frame: MakeFrame, fps: float) -> None:
    _write(tmp_path / "a.mp4", [make_frame(n, time_s=n / fps) for n in range(30)], fps)
    with av.open(str(tmp_path / "a.mp4"), "r") as container:
        stream = container.streams.video[0]
        assert stream.average_rate is not None
        assert float(stream.average_rate) == pytest.approx(fps, rel=1e-4)
        assert container.duration == pytest.approx(30 / fps * 1e6, rel=1e-3)


def test_uneven_times_are_kept(
    tmp_path: Path, make_frame: MakeFrame, read_video: ReadVideo
) -> None:
    times_s = [2.0, 2.1, 2.15, 2.5, 3.0]
    _write(tmp_path / "a.mp4", [make_frame(n, time_s=t) for n, t in enumerate(times_s)])
    found = [time_s for time_s, _ in read_video(tmp_path / "a.mp4")]
    assert found == pytest.approx([t - 2.0 for t in times_s], abs=1e-3)


def test_two_frames_of_one_moment_are_both_written(
    tmp_path: Path, make_frame: MakeFrame, read_video: ReadVideo
) -> None:
    _write(tmp_path / "a.mp4", [make_frame(n, time_s=t) for n, t in enumerate([0, 1e-9, 2e-9])])
    assert len(read_video(tmp_path / "a.mp4")) == 3


@pytest.mark.parametrize("size", [(641, 479), (640, 479), (641, 480), (1, 1)])
def test_odd_sides_get_one_copied_row_or_column(
    tmp_path: Path, make_frame: MakeFrame, read_video: ReadVideo, size: tuple[int, int]
) -> None:
    frame = make_frame(size=size)
    image = np.random.default_rng(0).integers(0, 2, (size[1], size[0], 3)).astype(np.uint8) * 20
    image += 100
    with VideoOutput(tmp_path / "a.mp4") as output:
        output.write(frame, image)
    found = read_video(tmp_path / "a.mp4")[0][1]
    assert found.shape == (size[1] + size[1] % 2, size[0] + size[0] % 2, 3)
    assert abs(float(found[: size[1], : size[0]].mean()) - float(image.mean())) < 3


@pytest.mark.parametrize("colour", [(0, 0, 255), (0, 255, 0), (255, 0, 0), (30, 120, 200)])
@pytest.mark.parametrize("codec", ["libx264", "mpeg4"])
def test_colours_survive(
    tmp_path: Path,
    make_frame: MakeFrame,
    read_video: ReadVideo,
    monkeypatch: pytest.MonkeyPatch,
    colour: tuple[int, int, int],
    codec: str,
) -> None:
    monkeypatch.setattr(video_output, "can_encode", lambda name: name == codec)
    image = np.full((64, 96, 3), colour, np.uint8)
    with VideoOutput(tmp_path / "a.mp4") as output:
        output.write(make_frame(), image)
    with av.open(str(tmp_path / "a.mp4"), "r") as container:
        stream = container.streams.video[0]
        assert stream.codec_context.name == {"libx264": "h264"}.get(codec, codec)
        assert (stream.codec_context.colorspace, stream.color_primaries) == (1, 1)
    assert read_video(tmp_path / "a.mp4")[0][1][30, 40].tolist() == pytest.approx(colour, abs=6)


def test_the_image_may_change_after_write(
    tmp_path: Path, make_frame: MakeFrame, read_video: ReadVideo
) -> None:
    buffer = np.zeros((64, 96, 3), np.uint8)
    with VideoOutput(tmp_path / "a.mp4") as output:
        for number in range(10):
            buffer[:] = number * 11
            output.write(make_frame(number), buffer)
            buffer[:] = 255
    found = [round(float(image.mean()) / 11) for _, image in read_video(tmp_path / "a.mp4")]
    assert found == list(range(10))


def test_the_next_source_goes_on_where_the_last_ended(
    tmp_path: Path, make_frame: MakeFrame, read_video: ReadVideo
) -> None:
    frames = [make_frame(n, source=source) for source in ("a", "b") for n in range(5)]
    _write(tmp_path / "a.mp4", frames)
    times = [time_s for time_s, _ in read_video(tmp_path / "a.mp4")]
    assert times == pytest.approx([n / 25 for n in range(10)], abs=1e-3)


def test_another_size_is_refused_and_nothing_left(tmp_path: Path, make_frame: MakeFrame) -> None:
    frames = [make_frame(0), make_frame(1, size=(64, 64))]
    message = r"a\.mp4: holds 96x64 frames, but frame 1 of clip\.mp4 is 64x64: pass --size 96x64"
    with pytest.raises(OutputError, match=message):
        _write(tmp_path / "a.mp4", frames)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("error", [ValueError("fault"), SourceError("fault")])
def test_a_fault_leaves_nothing_and_the_old_file_as_it_was(
    tmp_path: Path, make_frame: MakeFrame, error: Exception
) -> None:
    path = tmp_path / "a.mp4"
    path.write_text("old")
    with pytest.raises(type(error), match="fault"), VideoOutput(path) as output:
        output.write(make_frame(), make_frame().image)
        assert path.read_text() == "old"
        raise error
    assert [p.name for p in tmp_path.iterdir()] == ["a.mp4"]
    assert path.read_text() == "old"


@pytest.mark.parametrize("error", [KeyboardInterrupt("enough"), SourceLost("enough")])
def test_an_interrupted_recording_is_kept(
    tmp_path: Path, make_frame: MakeFrame, read_video: ReadVideo, error: BaseException
) -> None:
    with pytest.raises(type(error), match="enough"), VideoOutput(tmp_path / "a.mp4") as output:
        for number in range(7):
            output.write(make_frame(number), make_frame(number).image)
        raise error
    assert len(read_video(tmp_path / "a.mp4")) == 7
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"]


def test_no_frame_makes_no_file(tmp_path: Path) -> None:
    with VideoOutput(tmp_path / "a.mp4"):
        pass
    assert list(tmp_path.iterdir()) == []
