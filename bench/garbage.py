"""How many damaged pictures no decoder notices, by codec: a table of docs/reliability.md.

    python -m bench.garbage [--trials 200]

A clip is encoded, and all bytes of one of its packets but the first hundred are replaced by random
ones. What the runtime's decoder then takes for whole is compared with the same pictures of the
undamaged clip.
"""

import argparse
import io
import random
import sys
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import av
import av.error
import numpy as np
import numpy.typing as npt

from hsi.runtime.damage_watch import DamageWatch, watchful

Image = npt.NDArray[np.uint8]

FRAMES = KEY_EVERY = 12
KEPT = 40  # bytes at the start of a packet: what frames it on the network is checked by others
VISIBLE = 1.0  # grey level of 255, on average over the picture
_FAST = f"threads=1:bframes=0:subme=1:me=dia:trellis=0:keyint={KEY_EVERY}"
CODECS: dict[str, tuple[str, dict[str, str]]] = {
    "H.264, CAVLC": ("libx264", {"x264-params": f"{_FAST}:cabac=0"}),
    "H.264, CABAC": ("libx264", {"x264-params": _FAST}),
    "H.265": ("libx265", {"x265-params": f"log-level=none:bframes=0:keyint={KEY_EVERY}"}),
    "MJPEG": ("mjpeg", {}),
}


@dataclass(frozen=True, kw_only=True)
class Clip:
    """An encoded clip."""

    packets: list[Any]  # each decodes to one picture
    coded: Any  # its codec context
    pictures: dict[int, Image]  # by time stamp, as decoded


def main() -> int:
    """Damage packets of each codec, print the table."""
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    p.add_argument("--trials", type=int, default=200)
    args = p.parse_args()
    print(
        "| codec | packets damaged | pictures visibly damaged | of these shown |\n|---|---|---|---|"
    )
    for name, (codec, options) in CODECS.items():
        damaged, shown = _damage(_clip(codec, options), args.trials)
        share = f"{shown} ({100 * shown / max(1, damaged):.1f} %)"
        print(f"| {name} | {args.trials} | {damaged} | {share} |", flush=True)
    return 0


def _damage(clip: Clip, trials: int) -> tuple[int, int]:
    """Return how many pictures came out damaged or not at all, and how many passed for whole."""
    chance = random.Random(0)
    damaged = shown = 0
    for _ in range(trials):
        at = chance.randrange(len(clip.packets))
        head = bytes(clip.packets[at])[:KEPT]
        packets = [_copy(packet, bytes(packet)) for packet in clip.packets]
        packets[at] = _copy(
            packets[at], head + chance.randbytes(len(bytes(clip.packets[at])) - len(head))
        )
        whole, pictures = _decoded(packets, clip.coded)
        for time, good in clip.pictures.items():
            differs = time not in pictures or _difference(pictures[time], good) > VISIBLE
            damaged += differs
            shown += differs and time in whole
    return damaged, shown


def _clip(codec: str, options: dict[str, str]) -> Clip:
    """A coarse pattern that moves on black, 320x240: small packets are the hardest to judge."""
    tiles = np.random.default_rng(0).integers(0, 255, (10, 10), np.uint8).repeat(8, 0).repeat(8, 1)
    file = io.BytesIO()
    with av.open(file, "w", format="matroska") as out:
        stream: Any = out.add_stream(codec, rate=Fraction(15), options=options)
        stream.width, stream.height = 320, 240
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        for number in range(FRAMES):
            image = np.zeros((240, 320, 3), np.uint8)
            image[80:160, 20 + 8 * number : 100 + 8 * number] = np.roll(tiles, 3 * number, (0, 1))[
                ..., None
            ]
            out.mux(stream.encode(av.VideoFrame.from_ndarray(image, "bgr24")))
        out.mux(stream.encode())
    file.seek(0)
    with av.open(file, "r") as container:
        coded = container.streams.video[0].codec_context
        packets = [packet for packet in container.demux(video=0) if packet.size]
        return Clip(packets=packets, coded=coded, pictures=_decoded(packets, coded)[1])


def _decoded(packets: list[Any], coded: Any) -> tuple[set[int], dict[int, Image]]:
    """Return the time stamps of pictures taken for whole, and all pictures."""
    decoder: Any = av.CodecContext.create(coded.codec.name, "r")
    decoder.extradata = coded.extradata
    watchful(decoder)
    watch = DamageWatch(lossy=False)
    whole: set[int] = set()
    pictures: dict[int, Image] = {}
    for packet in [*packets, av.Packet()]:  # an empty one flushes the decoder
        try:
            found = decoder.decode(packet)
        except av.error.InvalidDataError:
            watch.note_damage(packet)
            continue
        for picture in found:
            pictures[picture.pts] = np.asarray(picture.to_ndarray(format="bgr24"), np.uint8)
            if watch.is_whole(picture):
                whole.add(picture.pts)
    return whole, pictures


def _copy(packet: Any, data: bytes) -> Any:
    copy = av.Packet(data)
    copy.pts, copy.dts, copy.time_base = packet.pts, packet.dts, packet.time_base
    copy.is_keyframe = packet.is_keyframe
    return copy


def _difference(one: Image, other: Image) -> float:
    return float(np.abs(one.astype(np.int16) - other).mean())


if __name__ == "__main__":
    sys.exit(main())
