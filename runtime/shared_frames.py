"""Frames in shared memory: the layout, and one segment of it.

A segment is a POSIX shared memory object, on Linux a file in `/dev/shm`: a header, then slots that
are written in turn. Numbers are in the machine's byte order, offsets in bytes::

    header    0  magic, 8 bytes: "HSISHM1" and a zero
              8  u32  offset of the first slot
             12  u32  number of slots
             16  u64  distance between slots
             24  u64  process of the writer
             32  u64  newest: sequence number of the last whole frame, from 1; 0: none yet
             40  u64  state: 0 in use, 1 the writer has ended, 2 another segment has the name

    slot      0  u64  begun: sequence number of the frame that is being written
              8  u64  done: sequence number of the frame that is whole
             16  u64  number of the frame at its source
             24  f64  time of the frame, in seconds of its source
             32  f64  when it came, in seconds of CLOCK_MONOTONIC; 0: not known
             40  u32  width in pixels
             44  u32  height in pixels
             48  u32  flags: 1 in the style, 2 an earlier picture shown again
             64  pixels, (height, width, 3) of 8 bits, BGR, without gaps

Frame n lies in slot (n - 1) % slots. It was read whole where, in this order, `done` was n, the
frame was copied, and `begun` still was n.
"""

from __future__ import annotations

import mmap
import os
import re
import struct
import threading
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hsi.runtime.errors import OptionError

FOLDER = Path("/dev/shm")
MAGIC = b"HSISHM1\0"
HEADER = struct.Struct("=8sIIQQQQ")  # magic, first slot, slots, distance, process, newest, state
SLOT = struct.Struct("=QQQddIII")  # begun, done, number, time, came, width, height, flags
PIXELS = 64  # where they begin in a slot; also the size of the header
STYLISED, REPEATED = 1, 2  # flags
WRITTEN, ENDED, MOVED = 0, 1, 2  # states

_NEWEST, _STATE = 32 // 8, 40 // 8  # places in the header as u64
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")


def segment_path(name: str) -> Path:
    """Return where the segment of a name is.

    Raises:
        OptionError: The name could be a path, or this system shows no shared memory as files.
    """
    if not _NAME.fullmatch(name):
        raise OptionError(
            f"shm://{name}: expected a name of letters, digits, '_', '.' and '-', found another"
        )
    if not FOLDER.is_dir():
        raise OptionError(f"shm://{name}: expected {FOLDER}, found none: this needs Linux")
    return FOLDER / name


def fence() -> None:
    """Let other processes see what was written before it before what is written after it.

    An ARM processor reorders stores. Two rounds of a lock order them, where one would let stores
    from both sides into itself.
    """
    for _ in range(2):
        with _FENCE:
            pass


class Segment:
    """A mapped segment. Words are read and written whole.

    Args:
        memory: The mapping, with a header.
    """

    def __init__(self, memory: mmap.mmap) -> None:
        self.memory = memory
        _, first, slots, distance, process, _, _ = HEADER.unpack_from(memory)
        self.slots, self.distance, self.process = int(slots), int(distance), int(process)
        self._words = np.frombuffer(memory, np.uint64, count=PIXELS // 8)
        self._places = [int(first) + slot * self.distance for slot in range(self.slots)]

    @property
    def newest(self) -> int:
        """Sequence number of the last whole frame."""
        return int(self._words[_NEWEST])

    @newest.setter
    def newest(self, value: int) -> None:
        self._words[_NEWEST] = value

    @property
    def state(self) -> int:
        """What has become of it."""
        return int(self._words[_STATE])

    @state.setter
    def state(self, value: int) -> None:
        self._words[_STATE] = value

    def place(self, sequence: int) -> int:
        """Return the offset of the slot of a frame."""
        return self._places[(sequence - 1) % self.slots]

    def marks(self, sequence: int) -> npt.NDArray[np.uint64]:
        """Return `begun` and `done` of a frame's slot, to read and write."""
        return np.frombuffer(self.memory, np.uint64, count=2, offset=self.place(sequence))

    def pixels(self, sequence: int, width: int, height: int) -> npt.NDArray[np.uint8]:
        """Return the pixels of a frame's slot, `(H, W, 3) uint8 BGR`, to read and write."""
        count = width * height * 3
        flat = np.frombuffer(self.memory, np.uint8, count, self.place(sequence) + PIXELS)
        return flat.reshape(height, width, 3)

    def fits(self, width: int, height: int) -> bool:
        """Whether a slot has room for a frame."""
        return width * height * 3 <= self.distance - PIXELS


def create_segment(path: Path, *, slots: int, width: int, height: int) -> Segment:
    """Create a segment and put it in the place of whatever had its name.

    Raises:
        OSError: There is no memory, or no permission.
    """
    distance = PIXELS + -(-width * height * 3 // PIXELS) * PIXELS
    size = PIXELS + slots * distance
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    file = os.open(part, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        # Memory that is promised and not there would end the process at the first write.
        os.posix_fallocate(file, 0, size)
        memory = mmap.mmap(file, size)
        HEADER.pack_into(memory, 0, MAGIC, PIXELS, slots, distance, os.getpid(), 0, WRITTEN)
        os.rename(part, path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    finally:
        os.close(file)
    return Segment(memory)


def open_segment(path: Path) -> Segment | None:
    """Map an existing segment for reading; None where there is none, or another file.

    Raises:
        OSError: There is no permission.
    """
    try:
        file = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return None
    try:
        size = os.fstat(file).st_size
        if size < PIXELS:
            return None
        memory = mmap.mmap(file, size, prot=mmap.PROT_READ)
    finally:
        os.close(file)
    magic, first, slots, distance, *_ = HEADER.unpack_from(memory)
    whole = magic == MAGIC and slots and distance > PIXELS and first + slots * distance <= size
    return Segment(memory) if whole else None


_FENCE = threading.Lock()
