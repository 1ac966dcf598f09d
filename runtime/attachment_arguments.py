"""The part of the command line that is about who looks on and steers."""

from __future__ import annotations

import argparse
from typing import Any

from hsi.runtime.attachment import AttachmentOptions
from hsi.runtime.plant.mqtt_options import mqtt_from_uri


def add_attachments(group: Any) -> None:
    """Add the options to a group of an argument parser."""
    group.add_argument(
        "--mqtt", metavar="URI",
        help="status, events and styles at a broker: mqtt://[user:password@]host[:port]/topic, "
        "mqtts://; ?every=5s&styles=FOLDER&ca=FILE",
    )  # fmt: skip


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
    if args.mqtt is not None:
        attachments.append(mqtt_from_uri(args.mqtt))
    return outputs, tuple(attachments)
