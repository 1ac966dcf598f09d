"""Bundles on a command line."""

import argparse
from pathlib import Path

from hsi.runtime.bundle import Bundle
from hsi.runtime.errors import BundleError


def bundle_argument(text: str) -> Path:
    """A bundle's path, or argparse's one line and exit code 2."""
    try:
        return Bundle(Path(text)).path
    except BundleError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
