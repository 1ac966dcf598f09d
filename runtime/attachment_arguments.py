"""The part of the command line that is about who looks on and steers."""

from __future__ import annotations

import argparse
from typing import Any

from hsi.runtime.attachment import AttachmentOptions


def add_attachments(group: Any) -> None:
    """Add the options to a group of an argument parser."""


def attachments_from(
    args: argparse.Namespace,
) -> tuple[tuple[str, ...], tuple[AttachmentOptions, ...]]:
    """Return the outputs that take frames, and what looks on and steers.

    A control page is written as an output, and takes no part in the line.

    Raises:
        OptionError: A value is malformed.
    """
    outputs = tuple(args.output or ())
    attachments: list[AttachmentOptions] = []
    return outputs, tuple(attachments)
