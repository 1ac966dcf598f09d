"""The part of the command line that is about cameras and streams."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import Any

from hsi.runtime.duration import seconds_from_text
from hsi.runtime.run_options import OnFault
from hsi.runtime.source import TRANSPORTS


@dataclass(frozen=True, kw_only=True)
class LiveOptions:
    """How live sources are treated. Files are not concerned."""

    reconnect: bool | None = None  # None: once it has been there; True: wait for it to be there
    stall_s: float | None = None  # silent for so long, a camera is lost; None: the default
    max_age_s: float | None = None  # frames that waited longer are dropped; None: no limit
    max_latency_s: float | None = None  # beyond it the network sees fewer pixels; None: never
    on_fault: OnFault = OnFault.STOP
    transport: str = "tcp"  # of RTSP
    record: str | None = None  # a file for what comes from the camera; None: nothing is recorded


def add_live(group: Any) -> None:
    """Add the options to a group of an argument parser."""
    group.add_argument(
        "--reconnect", action=argparse.BooleanOptionalAction, default=None,
        help="open a camera again when it falls silent or goes away, and wait for one that is not "
        "there at the start (default: the first; a camera that is not there ends the run)",
    )  # fmt: skip
    group.add_argument(
        "--stall-timeout", metavar="TIME", help="silent for so long, a camera is lost (2.5s)"
    )
    group.add_argument(
        "--max-age", metavar="TIME",
        help="drop frames that waited longer than this for the network, such as 100ms",
    )  # fmt: skip
    group.add_argument(
        "--max-latency", metavar="TIME",
        help="where frames take longer than this from arrival to picture, such as 50ms, the "
        "network sees fewer pixels of them, and more again when there is time",
    )  # fmt: skip
    group.add_argument(
        "--on-fault", choices=[one.value for one in OnFault], default=OnFault.STOP.value,
        help="what outputs get when the network fails or nothing new comes for a second: the last "
        "stylised picture, the frame itself, plain grey, each with a caption; or nothing, and a "
        "fault of the network ends the run (default: stop)",
    )  # fmt: skip
    group.add_argument(
        "--transport", choices=TRANSPORTS, default="tcp",
        help="how RTSP frames travel: udp loses some on a busy network (default: tcp)",
    )  # fmt: skip
    group.add_argument(
        "--record", metavar="FILE",
        help="write what comes from a camera, as it comes, with gaps and faults, to a .hsr file; "
        "--camera replay+FILE plays it again",
    )  # fmt: skip
    group.add_argument(
        "--list-cameras", action="store_true", help="print the cameras of this machine, end"
    )
    group.add_argument(
        "--probe", metavar="URI", help="read a source for two seconds, print what it is, end"
    )


def live_from(args: argparse.Namespace) -> LiveOptions:
    """Return what was asked for.

    Raises:
        OptionError: A value is malformed.
    """
    return LiveOptions(
        reconnect=args.reconnect,
        stall_s=seconds_from_text(args.stall_timeout, of="--stall-timeout"),
        max_age_s=seconds_from_text(args.max_age, of="--max-age"),
        max_latency_s=seconds_from_text(args.max_latency, of="--max-latency"),
        transport=args.transport,
        record=args.record,
        on_fault=OnFault(args.on_fault),
    )
