"""What H.264 says of pictures that never came.

Each picture carries a number, `frame_num`, one more than that of the reference picture before it
(ITU-T H.264, 7.4.3). FFmpeg fills a gap with copies of the last picture, and says so in its log
alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

_SLICE, _KEY_SLICE, _SEQUENCE_PARAMETERS, _PICTURE_PARAMETERS = 1, 5, 7, 8  # nal_unit_type
_WITH_CHROMA = (100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135)  # profile_idc
_SEPARATE_PLANES = 3  # chroma_format_idc of 4:4:4, the only one that may have them
_START_CODE = b"\0\0\1"
_HEAD = 64  # bytes of a slice: more than what stands before its number
_ROW = 3  # pictures without a gap that are seen now and then, whatever gets lost
_PATIENCE = 200  # pictures without such a row, and the camera counts in a way of its own


class H264Numbers:
    """Follows the numbers of the pictures of one H.264 stream.

    What cannot be read says nothing: damage is the decoder's to find. Neither does a camera that
    does not count as the standard says.

    Args:
        extradata: Of the codec, where parameter sets may stand that do not come in the stream.
    """

    def __init__(self, extradata: bytes = b"") -> None:
        self._number_bits: dict[int, int | None] = {}  # by sequence parameter set; None: gaps are
        self._sequence_of: dict[int, int] = {}  # by picture parameter set
        self._last: int | None = None  # number of the last reference picture
        self._row = 0  # pictures without a gap
        self._since_row = 0  # pictures since there were as many as it takes
        # Other streams have lengths in place of start codes, and come through what loses nothing.
        self._readable = not extradata.startswith(b"\1")
        self.misses_one(extradata)

    def misses_one(self, data: bytes) -> bool:
        """Tell whether a picture is missing before or in this data.

        Args:
            data: What comes next, in decoding order: whole units that begin with a start code.
        """
        missing = False
        for unit in _units_of(data) if self._readable else ():
            try:
                missing |= self._misses_before(unit)
            except EOFError:
                continue
        return missing

    def _misses_before(self, unit: bytes) -> bool:
        reference, kind = unit[0] >> 5 & 3, unit[0] & 31
        if kind == _SEQUENCE_PARAMETERS:
            self._take_sequence_parameters(_Bits(unit[1:]))
        elif kind == _PICTURE_PARAMETERS:
            bits = _Bits(unit[1:])
            self._sequence_of[bits.count()] = bits.count()
        elif kind in (_SLICE, _KEY_SLICE):
            return self._is_after_gap(
                _Bits(unit[1:_HEAD]), key=kind == _KEY_SLICE, kept=reference > 0
            )
        return False

    def _is_after_gap(self, bits: _Bits, *, key: bool, kept: bool) -> bool:
        first = bits.count() == 0  # first_mb_in_slice
        bits.count()  # slice_type
        width = self._number_bits.get(self._sequence_of.get(bits.count(), -1))
        if width is None:
            return False
        number, last = bits.number(width), self._last
        if kept:
            self._last = number
        if key or last is None:
            return False
        gap = (number - last) % (1 << width) > 1
        if first:
            self._judge(gap)
        return gap and self._since_row < _PATIENCE

    def _judge(self, gap: bool) -> None:
        self._row = 0 if gap else self._row + 1
        self._since_row = 0 if self._row >= _ROW else min(self._since_row + 1, _PATIENCE)

    def _take_sequence_parameters(self, bits: _Bits) -> None:
        profile = bits.number(8)
        bits.number(16)  # constraints, level
        key = bits.count()
        self._number_bits[key] = None
        if profile in _WITH_CHROMA:
            if bits.count() == _SEPARATE_PLANES and bits.number(1):
                return  # a slice has two more bits in front of its number: no camera sends it
            bits.count(), bits.count(), bits.number(1)  # depths, lossless
            if bits.number(1):
                return  # matrices for the quantiser, of any length: no camera sends them
        width = 4 + bits.count()
        order = bits.count()  # pic_order_cnt_type
        if order == 0:
            bits.count()
        elif order == 1:
            bits.number(1), bits.count(), bits.count()
            for _ in range(bits.count()):
                bits.count()
        bits.count()  # max_num_ref_frames
        self._number_bits[key] = None if bits.number(1) else width


def numbers_of(decoder: Any) -> H264Numbers | None:
    """Return what follows the numbers of a decoder's stream; None where it is not H.264."""
    return H264Numbers(decoder.extradata or b"") if decoder.codec.name == "h264" else None


def _units_of(data: bytes) -> Iterator[bytes]:
    """Yield the units between start codes, each at least a byte long."""
    at = data.find(_START_CODE)
    while at >= 0:
        end = data.find(_START_CODE, at + 3)
        if unit := data[at + 3 : end if end >= 0 else len(data)]:
            yield unit
        at = end


class _Bits:
    """Reads bits of a unit; raises `EOFError` beyond its end."""

    def __init__(self, data: bytes) -> None:
        # A three is put in wherever the data would look like a start code.
        data = data.replace(b"\0\0\3", b"\0\0")
        self._value, self._left = int.from_bytes(data, "big"), 8 * len(data)

    def number(self, width: int) -> int:
        if width > self._left:
            raise EOFError
        self._left -= width
        return self._value >> self._left & (1 << width) - 1

    def count(self) -> int:
        """Read an Exp-Golomb code (9.1)."""
        zeros = 0
        while not self.number(1):
            zeros += 1
        return (1 << zeros) - 1 + self.number(zeros)
