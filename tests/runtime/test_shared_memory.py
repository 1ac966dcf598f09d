"""Frames through shared memory, to a reader in Python and to the one in C."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hsi.runtime import OptionError, OutputError, SharedMemoryReader
from hsi.runtime.frame import Frame
from hsi.runtime.output import open_output
from hsi.runtime.shared_frames import FOLDER
from hsi.runtime.shared_memory_output import SharedMemoryOutput
from hsi.runtime.source import EndOfStream

ROOT = Path(__file__).resolve().parents[2]
MakeFrame = Callable[..., Frame]

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason=f"there is no {FOLDER}")


@pytest.fixture
def name() -> Iterator[str]:
    """A name that no other test uses."""
    text = f"hsi-test-{os.getpid()}-{time.monotonic_ns()}"
    yield text
    (FOLDER / text).unlink(missing_ok=True)


@pytest.fixture
def output(name: str) -> Iterator[SharedMemoryOutput]:
    with SharedMemoryOutput(f"shm://{name}") as opened:
        yield opened


@pytest.fixture(scope="session")
def c_reader(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The reader in C, compiled without a warning."""
    if shutil.which("cc") is None:
        why = "there is no C compiler: apt-get install gcc libc6-dev"
        pytest.fail(why) if os.environ.get("CI") else pytest.skip(why)
    program = tmp_path_factory.mktemp("c") / "shm_reader"
    words = ["-O2", "-std=c11", "-Wall", "-Wextra", "-Werror", "-o", str(program)]
    subprocess.run(["cc", *words, str(ROOT / "examples" / "shm_reader.c")], check=True)
    return program


def _write(output: SharedMemoryOutput, frame: Frame) -> None:
    output.write(frame, frame.image)


def test_frames_come_out_as_they_went_in(
    name: str, output: SharedMemoryOutput, make_frame: MakeFrame
) -> None:
    with SharedMemoryReader(name) as reader:
        assert reader.read(timeout_s=0) is None
        for number in (3, 4):
            _write(output, make_frame(number, captured_at=7.5, stylised=number == 4))
        first, second = reader.read(timeout_s=9), reader.read(timeout_s=9)
        assert first is not None
        assert second is not None
        assert (first.image == make_frame(3).image).all()
        assert (first.sequence, first.number, first.time_s) == (1, 3, 3 / 25)
        assert (first.captured_at, first.stylised, first.repeated) == (7.5, False, False)
        assert (second.sequence, second.number, second.stylised) == (2, 4, True)
        assert reader.read(timeout_s=0) is None


def test_a_reader_that_is_late_knows_what_it_missed(
    name: str, output: SharedMemoryOutput, make_frame: MakeFrame
) -> None:
    reader = SharedMemoryReader(name)
    _write(output, make_frame(0))
    assert reader.read(timeout_s=9) is not None
    for number in range(1, 11):
        _write(output, make_frame(number))
    found = reader.read(timeout_s=9)
    assert found is not None
    assert (found.sequence, found.missed, found.number) == (11, 9, 10)


def test_a_reader_that_comes_later_begins_there(
    name: str, output: SharedMemoryOutput, make_frame: MakeFrame
) -> None:
    for number in range(9):
        _write(output, make_frame(number))
    found = SharedMemoryReader(name).read(timeout_s=9)
    assert found is not None
    assert (found.sequence, found.missed) == (9, 0)


def test_smaller_and_larger_frames_come_in_order(
    name: str, output: SharedMemoryOutput, make_frame: MakeFrame
) -> None:
    reader = SharedMemoryReader(name)
    sizes = [(96, 64), (32, 48), (96, 64), (128, 96), (96, 64)]
    for number, size in enumerate(sizes):
        _write(output, make_frame(number, size=size))
        found = reader.read(timeout_s=9)
        assert found is not None
        assert (found.sequence, found.missed) == (number + 1, 0)
        assert (found.image == make_frame(number, size=size).image).all()


def test_a_reader_between_two_segments_goes_on(
    name: str, output: SharedMemoryOutput, make_frame: MakeFrame
) -> None:
    reader = SharedMemoryReader(name)
    _write(output, make_frame(0))
    assert reader.read(timeout_s=9) is not None
    _write(output, make_frame(1))
    _write(output, make_frame(2, size=(128, 96)))
    found = [reader.read(timeout_s=9) for _ in range(2)]
    assert [one.number for one in found if one] == [1, 2]


def test_the_end_is_told_and_leaves_nothing(name: str, make_frame: MakeFrame) -> None:
    reader = SharedMemoryReader(name)
    with SharedMemoryOutput(f"shm://{name}") as output:
        _write(output, make_frame(0))
        assert reader.read(timeout_s=9) is not None
        _write(output, make_frame(1))
    assert reader.read(timeout_s=9) is not None  # what was written before the end is read
    with pytest.raises(EndOfStream):
        reader.read(timeout_s=9)
    assert not list(FOLDER.glob(f"*{name}*"))


def test_a_crashed_writer_has_a_successor(name: str, make_frame: MakeFrame) -> None:
    code = (
        "import os, sys, numpy as np\n"
        "from hsi.runtime.frame import Frame\n"
        "from hsi.runtime.shared_memory_output import SharedMemoryOutput\n"
        "image = np.zeros((4, 8, 3), np.uint8)\n"
        "output = SharedMemoryOutput('shm://' + sys.argv[1])\n"
        "for number in range(3):\n"
        "    output.write(Frame(image=image, number=number, time_s=0.0, source='a'), image)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    subprocess.run([sys.executable, "-c", code, name], check=False)
    reader = SharedMemoryReader(name)
    assert [getattr(reader.read(timeout_s=0), "number", None) for _ in range(4)] == [0, 1, 2, None]
    with SharedMemoryOutput(f"shm://{name}") as output:
        _write(output, make_frame(7))
        found = reader.read(timeout_s=9)
    assert found is not None
    assert (found.number, found.sequence) == (7, 1)


def test_a_name_has_one_writer(
    name: str, output: SharedMemoryOutput, make_frame: MakeFrame
) -> None:
    _write(output, make_frame(0))
    with pytest.raises(OutputError, match=f"is written by process {os.getpid()} already"):
        open_output(f"shm://{name}")


def test_a_foreign_file_is_not_touched(name: str) -> None:
    (FOLDER / name).write_bytes(b"x" * 999)
    with pytest.raises(OutputError, match="which is not of hsi-run: choose another name"):
        open_output(f"shm://{name}")
    assert (FOLDER / name).read_bytes() == b"x" * 999


@pytest.mark.parametrize("address", ["shm://", "shm://../x", "shm://a/b", "shm://.hidden"])
def test_a_name_that_could_be_a_path_is_refused(address: str) -> None:
    with pytest.raises(OptionError, match="expected a name of letters, digits"):
        open_output(address)


@pytest.mark.parametrize("slots", ["1", "65", "x", "-4"])
def test_a_ring_has_from_2_to_64_slots(slots: str) -> None:
    with pytest.raises(OptionError, match="slots: expected 2 to 64, found"):
        open_output(f"shm://a?slots={slots}")


def test_no_frame_is_read_torn(
    name: str, output: SharedMemoryOutput, make_frame: MakeFrame
) -> None:
    reader, done = SharedMemoryReader(name), threading.Event()

    def write() -> None:
        for number in range(1500):
            _write(output, make_frame(number, size=(320, 240)))
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    last, seen = 0, 0
    while (found := reader.read(timeout_s=0.2)) is not None or not done.is_set():
        if found is not None:
            assert found.image.min() == found.image.max() == found.number * 11 % 256
            assert found.sequence == (last + found.missed + 1 if last else found.sequence)
            last, seen = found.sequence, seen + 1
    writer.join()
    assert last == 1500
    assert seen > 5


def test_the_reader_in_c_gets_every_720p_frame_or_knows_which_it_missed(
    c_reader: Path, name: str
) -> None:
    reader = subprocess.Popen([c_reader, name], stdout=subprocess.PIPE, text=True)
    image = np.empty((720, 1280, 3), np.uint8)
    due = time.monotonic()
    with SharedMemoryOutput(f"shm://{name}?slots=8") as output:
        for number in range(75):
            image[:] = number
            frame = Frame(image=image, number=number, time_s=number / 30, source="a")
            _write(output, replace(frame, stylised=True, captured_at=time.monotonic()))
            due += 1 / 30
            time.sleep(max(0.0, due - time.monotonic()))
        time.sleep(0.2)
    told, _ = reader.communicate(timeout=30)
    assert reader.returncode == 0
    last = None
    for line in told.splitlines():
        words = line.split()
        assert words[3:6] == ["stylised", "1280", "720"]
        sequence, number, missed, darkest, brightest = (int(words[n]) for n in (0, 1, 6, 7, 8))
        assert number == darkest == brightest == sequence - 1
        assert last is None or sequence == last + 1 + missed
        last = sequence
    assert last == 75


def test_the_reader_in_c_refuses_what_is_not_written_by_us(c_reader: Path, name: str) -> None:
    (FOLDER / name).write_bytes(b"x" * 999)
    done = subprocess.run([c_reader, name], capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"shm_reader: /{name}: not written by hsi-run\n"


def test_the_command_writes_to_the_reader_in_c(
    c_reader: Path, name: str, start_fake: Callable[..., subprocess.Popen[str]]
) -> None:
    reader = subprocess.Popen([c_reader, name], stdout=subprocess.PIPE, text=True)
    run = start_fake("test://128x96@30?frames=30", "-o", f"shm://{name}", "--policy", "every")
    _, errors = run.communicate(timeout=60)
    assert run.returncode == 0, errors
    told, _ = reader.communicate(timeout=30)
    sequences = [int(line.split()[0]) for line in told.splitlines()]
    assert sequences == sorted(set(sequences))
    assert sequences[-1] == 30
