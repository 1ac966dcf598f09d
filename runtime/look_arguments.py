"""The look controls on the command line of `hsi-run`."""

from __future__ import annotations

import argparse
from typing import Any

from hsi.runtime.errors import OptionError
from hsi.runtime.look import Look
from hsi.runtime.region import protected_from_text
from hsi.runtime.stabiliser import DEFAULT_STABILITY


def add_look(group: Any) -> None:
    """Add the options to an argparse group."""
    group.add_argument(
        "--stability", type=float, default=DEFAULT_STABILITY, metavar="0..1",
        help="how steady a video is: 0 makes each frame by itself, 1 remembers for 2 s; changes "
        f"show at once (default: {DEFAULT_STABILITY:g})",
    )  # fmt: skip
    group.add_argument(
        "--keep-colour", action="store_true", help="only light and dark of the style; the frame's "
        "own colours",
    )  # fmt: skip
    group.add_argument(
        "--protect", action="append", default=[], metavar="X,Y,W,H|MASK",
        help="keep this part as it is: pixels, percent such as 10%%,10%%,30%%,20%%, or a picture "
        "that is white there; repeat for several",
    )  # fmt: skip
    group.add_argument(
        "--style-scale", default="1", metavar="S|off",
        help="size of the strokes: the network sees a short side of at most 1080/S pixels, and "
        "the frame's fine detail is added again; off: the frame's own pixels (default: 1)",
    )  # fmt: skip


def look_from(args: argparse.Namespace) -> Look:
    """Return the checked look of a parsed command line.

    Raises:
        OptionError: A value is malformed or out of range; the message names the option.
    """
    try:
        return Look(
            keep_colour=args.keep_colour,
            protect=tuple(protected_from_text(text) for text in args.protect),
            style_scale=_scale_from_text(args.style_scale),
        )
    except OptionError as error:
        # The option is spelled otherwise than the field of the API.
        raise OptionError(f"--{error}".replace("--style_scale", "--style-scale")) from error


def _scale_from_text(text: str) -> float | None:
    if text == "off":
        return None
    try:
        return float(text)
    except ValueError:
        raise OptionError(
            f"style_scale: expected a number above 0 or off, found {text!r}: 1 is the usual size"
        ) from None
