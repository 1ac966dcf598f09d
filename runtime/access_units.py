"""Pictures that arrive in pieces, put together again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import av


def whole_units(packets: Iterable[Any]) -> Iterator[Any]:
    """Join packets of one picture.

    Some RTSP servers (GStreamer with several slices and `config-interval=-1`) put the parameter
    sets before every slice of a key frame, where FFmpeg's reader ends the picture: each half then
    decodes as a damaged one. Two packets of one time give such a stream away. From then on its key
    frames wait for the next packet, all others pass at once.

    Args:
        packets: As demuxed, in order; the last one, which flushes the decoder, is empty.
    """
    held: Any = None
    last_pts: int | None = None
    splits = False
    for packet in packets:
        same = packet.size > 0 and packet.pts is not None and packet.pts == last_pts
        splits = splits or same
        last_pts = packet.pts
        if held is not None and same:
            held = _joined(held, packet)
            continue
        if held is not None:
            yield held
            held = None
        if splits and packet.is_keyframe:
            held = packet
        else:
            yield packet
    if held is not None:
        yield held


def _joined(first: Any, second: Any) -> Any:
    packet = av.Packet(bytes(first) + bytes(second))
    packet.pts, packet.dts, packet.time_base = first.pts, first.dts, first.time_base
    packet.is_keyframe = True
    return packet
