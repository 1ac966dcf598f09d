"""What a user is told to run, runs."""

import signal
import subprocess
import sys
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[1]
CLIP = ROOT / "examples" / "clips" / "bottles.mp4"
FACTORY = ROOT / "examples" / "factory.py"


def embed(*words: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "examples" / "embed.py"), *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def frame(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first frame of the clip, as a picture."""
    path = tmp_path_factory.mktemp("frame") / "frame.png"
    with av.open(str(CLIP)) as clip:
        cv2.imwrite(str(path), next(clip.decode(video=0)).to_ndarray(format="bgr24"))
    return path


@pytest.mark.parametrize("style", [[], ["great-wave"]])
def test_the_embedded_stylizer_writes_a_picture_of_the_same_size(
    frame: Path, tmp_path: Path, style: list[str]
) -> None:
    done = embed(frame, tmp_path / "out.png", *style)

    assert (done.returncode, done.stderr) == (0, "")
    before, after = cv2.imread(str(frame)), cv2.imread(str(tmp_path / "out.png"))
    assert before is not None
    assert after is not None
    assert before.shape == after.shape
    assert np.abs(before.astype(int) - after.astype(int)).mean() > 2


def test_the_embedded_stylizer_says_when_there_is_no_picture(tmp_path: Path) -> None:
    done = embed(CLIP, tmp_path / "out.png")

    assert done.returncode == 1
    assert done.stderr.endswith("bottles.mp4: expected a picture, found none that can be read\n")


def test_the_factory_program_is_that_of_the_page() -> None:
    assert FACTORY.read_text() in (ROOT / "docs" / "embedding.md").read_text()


def test_the_factory_program_plays_cameras_to_their_end() -> None:
    cameras = [f"test://96x64@30?frames={frames}" for frames in (12, 20)]
    command = [sys.executable, str(FACTORY), *cameras]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
    # Whichever camera was the first to have a picture.
    assert sorted(line.split(": ")[0] for line in done.stdout.splitlines()[-2:]) == cameras


def test_the_factory_program_lights_a_lamp_and_can_be_interrupted() -> None:
    command = [sys.executable, "-u", str(FACTORY), "fault+test://96x64@30?lose=0.5s"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True) as program:
        assert program.stdout is not None
        assert program.stdout.readline().startswith("LAMP ON: fault+test://96x64@30?lose=0.5s: ")
        program.send_signal(signal.SIGINT)
        _, errors = program.communicate(timeout=60)
    assert errors.endswith("KeyboardInterrupt\n")


def test_the_clip_of_the_demo_is_as_described() -> None:
    with av.open(str(CLIP)) as clip:
        stream = clip.streams.video[0]
        size, frames = (stream.width, stream.height), sum(1 for _ in clip.decode(video=0))
        seconds = float((clip.duration or 0) / av.time_base)

    assert CLIP.stat().st_size < 400_000
    assert size == (640, 360)
    assert 8 < seconds < 10
    assert round(frames / seconds, 2) == 29.83
    described = (CLIP.parent / "README.md").read_text()
    assert "640x360, 29.83 frames/s, 8.7 s" in described
    assert "CC BY 4.0" in described
