"""Sizes of frames on a command line."""

import argparse

from hsi.runtime.errors import OptionError
from hsi.runtime.uri import size_from_text


def size_argument(text: str) -> str:
    """`WIDTHxHEIGHT` as it is, or argparse's one line and exit code 2."""
    try:
        size_from_text(text, of="--size")
    except OptionError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return text
