from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hsi.runtime.errors import SourceError
from hsi.runtime.frame import Frame, Image
from hsi.runtime.source import EndOfStream, Source
from hsi.runtime.video_source import VideoSource

MakeVideo = Callable[..., Path]


def _read_all(source: Source) -> list[Frame]:
    frames: list[Frame] = []
    with pytest.raises(EndOfStream, match=r"\.m"):
        while True:
            frame = source.read(1)
            assert frame is not None
            frames.append(frame)
    return frames


def _noise(number: int, size: tuple[int, int]) -> Image:
    shape = (size[1], size[0], 3)
    return np.random.default_rng(number).integers(0, 255, shape).astype(np.uint8)


def _cut(path: Path, share: float = 0.5) -> Path:
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    return path


def test_every_frame_comes_once_in_order_with_its_time(clip: Path) -> None:
    with VideoSource(str(clip)) as source:
        assert (source.fps, source.size, source.frame_count) == (25.0, (96, 64), 20)
        frames = _read_all(source)
    assert [frame.number for frame in frames] == list(range(20))
    assert [round(float(frame.image.mean()) / 11) for frame in frames] == list(range(20))
    assert [frame.time_s for frame in frames] == pytest.approx([n / 25 for n in range(20)])
    assert {frame.source for frame in frames} == {str(clip)}


@pytest.mark.parametrize("size", [(98, 64), (642, 480)])
def test_images_are_contiguous_where_rows_are_padded(
    make_video: MakeVideo, tmp_path: Path, size: tuple[int, int]
) -> None:
    path = make_video(tmp_path / "a.mp4", count=1, size=size)
    with VideoSource(str(path)) as source:
        frame = source.read(1)
    assert frame is not None
    assert frame.image.flags.c_contiguous
    assert frame.image.shape == (size[1], size[0], 3)


def test_images_stay_as_they_are_when_more_is_read(clip: Path) -> None:
    with VideoSource(str(clip)) as source:
        first = source.read(1)
        assert first is not None
        before = first.image.copy()
        _read_all(source)
    assert (first.image == before).all()


def test_uneven_times_are_kept(make_video: MakeVideo, tmp_path: Path) -> None:
    times_s = [0.0, 0.1, 0.15, 0.5, 1.0]
    path = make_video(tmp_path / "a.mkv", count=5, times_s=times_s)
    with VideoSource(str(path)) as source:
        assert [f.time_s for f in _read_all(source)] == pytest.approx(times_s, abs=0.002)


@pytest.mark.parametrize("turn", [90, -90, 180])
def test_a_turned_video_is_turned_back(make_video: MakeVideo, tmp_path: Path, turn: int) -> None:
    def corner(number: int, size: tuple[int, int]) -> Image:
        image = np.zeros((size[1], size[0], 3), np.uint8)
        image[: size[1] // 2, : size[0] // 2] = 255
        return image

    path = make_video(tmp_path / "a.mp4", count=2, turn=turn, image=corner)
    with VideoSource(str(path)) as source:
        size = source.size
        frame = source.read(1)
    assert frame is not None
    expected = np.rot90(corner(0, (96, 64)), turn // 90)
    assert size == frame.size == (expected.shape[1], expected.shape[0])
    assert np.abs(frame.image.astype(int) - expected).mean() < 5


def test_colours_of_a_tagged_video_are_right(make_video: MakeVideo, tmp_path: Path) -> None:
    def red(number: int, size: tuple[int, int]) -> Image:
        return np.full((size[1], size[0], 3), (0, 0, 255), np.uint8)

    # PyAV converts by BT.601 unless told otherwise, and small untagged videos are BT.601.
    with VideoSource(str(make_video(tmp_path / "a.mp4", count=1, image=red))) as source:
        frame = source.read(1)
    assert frame is not None
    assert frame.image[32, 48].tolist() == pytest.approx([0, 0, 255], abs=6)


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "void.mp4"
    path.touch()
    with pytest.raises(SourceError, match=r"void\.mp4: the file is empty \(0 bytes\)"):
        VideoSource(str(path))


def test_a_text_is_no_video(tmp_path: Path) -> None:
    path = tmp_path / "notes.mp4"
    path.write_text("dear diary " * 100)
    with pytest.raises(SourceError, match=r"notes\.mp4: cannot open it: damaged, cut short, or"):
        VideoSource(str(path))


def test_half_an_mp4_is_refused_at_once(make_video: MakeVideo, tmp_path: Path) -> None:
    path = _cut(make_video(tmp_path / "a.mp4", image=_noise))
    with pytest.raises(SourceError, match=r"a\.mp4: cannot open it: damaged, cut short, or"):
        VideoSource(str(path))


def test_half_an_mp4_with_its_index_in_front_is_refused(
    make_video: MakeVideo, tmp_path: Path
) -> None:
    path = _cut(make_video(tmp_path / "a.mp4", image=_noise, options={"movflags": "faststart"}))
    # At once where PyAV shows the index, else at the end.
    with pytest.raises(SourceError, match=r"the video is cut short: \d+ (bytes|frames) expected"):
        _read_all(VideoSource(str(path)))


@pytest.mark.parametrize(("suffix", "found"), [(".mkv", "s expected"), (".avi", "frames expected")])
def test_half_a_video_of_another_kind_is_refused_at_its_end(
    make_video: MakeVideo, tmp_path: Path, suffix: str, found: str
) -> None:
    path = _cut(make_video(tmp_path / f"a{suffix}", count=80, image=_noise))
    with (
        VideoSource(str(path)) as source,
        pytest.raises(SourceError, match=f"the video is cut short: .*{found}"),
    ):
        while True:
            source.read(1)


def test_a_whole_matroska_ends_well(make_video: MakeVideo, tmp_path: Path) -> None:
    with VideoSource(str(make_video(tmp_path / "a.mkv", count=60))) as source:
        assert source.frame_count == 60
        assert len(_read_all(source)) == 60


def test_damage_in_the_middle_costs_frames_not_the_video(
    make_video: MakeVideo, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = make_video(tmp_path / "a.mp4", count=50, image=_noise)
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 40000] = bytes(40000)
    path.write_bytes(data)
    with VideoSource(str(path)) as source:
        frames = _read_all(source)
    assert 25 < len(frames) < 50
    assert frames[-1].time_s == pytest.approx(49 / 25)
    assert "damaged data after frame" in caplog.text


def test_sound_alone_is_no_video(tmp_path: Path) -> None:
    import wave

    path = tmp_path / "sound.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(bytes(16000))
    with pytest.raises(SourceError, match=r"sound\.wav: holds no video, only sound or data"):
        VideoSource(str(path))


def test_closing_twice_is_fine(clip: Path) -> None:
    source: Any = VideoSource(str(clip))
    source.close()
    source.close()


def test_a_closed_video_is_gone_at_once_with_its_decoder(clip: Path) -> None:
    gc.disable()
    try:
        source = VideoSource(str(clip))
        source.read(1)
        gone = weakref.ref(source)
        source.close()
        del source
        assert gone() is None
    finally:
        gc.enable()
