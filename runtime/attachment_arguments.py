"""The part of the command line that is about who looks on and steers."""

from __future__ import annotations

import argparse
from typing import Any

from hsi.runtime.attachment import AttachmentOptions
from hsi.runtime.control.options import control_options_from_uri, is_control_uri
from hsi.runtime.errors import OptionError
from hsi.runtime.metrics.options import metrics_from_text
from hsi.runtime.plant.mqtt_options import mqtt_from_uri
from hsi.runtime.plant.opcua_options import opcua_from_uri


def add_attachments(group: Any) -> None:
    """Add the options to a group of an argument parser."""
    group.add_argument(
        "--bind", metavar="ADDRESS",
        help="of this machine, at which others reach the control page of -o http://@:PORT/: "
        "0.0.0.0 for all; it then wants a token, which is printed once (default: 127.0.0.1, this "
        "machine alone)",
    )  # fmt: skip
    group.add_argument(
        "--metrics", metavar="[HOST:]PORT",
        help="serve /metrics for Prometheus, /healthz and /readyz (default host: 127.0.0.1)",
    )  # fmt: skip
    group.add_argument(
        "--mqtt", metavar="URI",
        help="status, events and styles at a broker: mqtt://[user:password@]host[:port]/topic, "
        "mqtts://; ?every=5s&styles=FOLDER&ca=FILE",
    )  # fmt: skip
    group.add_argument(
        "--opcua", metavar="URI",
        help="an OPC UA server after OPC 40100-1, whose recipes are styles: "
        "opc.tcp://127.0.0.1:4840; beyond this machine user:password@ before the host; "
        "?styles=FOLDER",
    )  # fmt: skip


def attachments_from(
    args: argparse.Namespace,
) -> tuple[tuple[str, ...], tuple[AttachmentOptions, ...]]:
    """Return the outputs that take frames, and what looks on and steers.

    A control page is written as an output, and takes no part in the line.

    Raises:
        OptionError: A value is malformed.
    """
    words = tuple(args.output or ())
    pages = [uri for uri in words if is_control_uri(uri)]
    if args.bind is not None and not pages:
        raise OptionError("--bind: is of -o http://@:PORT/, which was not asked for: add it")
    attachments: list[AttachmentOptions] = [
        control_options_from_uri(uri, bind=args.bind) for uri in pages
    ]
    outputs = tuple(uri for uri in words if not is_control_uri(uri))
    if pages and not outputs:
        outputs = ("null:",)  # the page takes its pictures from the line
    if args.metrics is not None:
        attachments.append(metrics_from_text(args.metrics))
    if args.mqtt is not None:
        attachments.append(mqtt_from_uri(args.mqtt))
    if args.opcua is not None:
        attachments.append(opcua_from_uri(args.opcua))
    return outputs, tuple(attachments)
