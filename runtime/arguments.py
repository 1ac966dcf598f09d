"""The command line of `hsi-run`: from words to a checked request."""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from hsi.runtime.attachment import AttachmentOptions
from hsi.runtime.attachment_arguments import add_attachments, attachments_from
from hsi.runtime.command_parser import CommandParser
from hsi.runtime.completion import complete, style_names
from hsi.runtime.duration import seconds_from_text
from hsi.runtime.engine import BUILT, ENGINES
from hsi.runtime.errors import OptionError
from hsi.runtime.live_arguments import LiveOptions, add_live, live_from
from hsi.runtime.look import Look
from hsi.runtime.look_arguments import add_look, look_from
from hsi.runtime.output import OutputWord
from hsi.runtime.run_options import Policy
from hsi.runtime.source import SourceWord
from hsi.runtime.stabiliser import DEFAULT_STABILITY
from hsi.runtime.tiling import AUTO
from hsi.runtime.trt.options import TensorRtOptions
from hsi.runtime.uri import size_from_text

_EXAMPLES = """\
examples:
  hsi-run --camera 0                                the first camera, in a window
  hsi-run clip.mp4 -o styled.mp4                    a video, at its own size and rate
  hsi-run photos/ -o styled/ --style picasso.jpg    every picture of a folder
  hsi-run clip.mp4 -o out.mp4 --style a.jpg:0.7 --style b.jpg:0.3    a blend of two styles
  hsi-run --camera 0 --keep-colour --protect 10%,10%,30%,20%         the colours stay, a part does
  hsi-run clip_4k.mp4 -o out.mp4 --style-scale 1.5 --stability 0.8   larger strokes, steadier
  hsi-run rtsp://camera/stream -o record.mkv --duration 10m
  hsi-run --camera 0 -o http://@:8080/              a page to see and steer it in a browser
  hsi-run --camera 0 --camera rtsp://camera/stream -o 'line-{camera}.mkv' --reconnect
  hsi-run test://1920x1080@30 -o null: --duration 10s --json         a measurement

sources: 0, /dev/video0, v4l2:///dev/video0?size=1920x1080&fps=30&fourcc=MJPG, a video, a picture,
  a folder, '*.png', rtsp://, rtsps://, http://, https://, file://, test://1920x1080@30?frames=300,
  gige://SERIAL or gige://192.168.1.20?format=BayerRG8&size=1280x720&fps=30&exposure=5000&gain=6,
  gentl://SERIAL or gentl:///opt/maker/producer.cti?id=SERIAL,
  replay+line.hsr, fault+URI?drop=0.02&corrupt=0.01&stall=5s/60s&lose=30s&resize=10s&seed=1
outputs: out.mp4, .mkv, .mov; folder/ or 'folder/*.jpg' for one picture per frame; out.png for a
  single one; display:// for a window, which q, Esc or closing it ends; shm://name for another
  program; rtsp://[user:password@]host[:port]/path, pushed to a server; null:; http://@:8080/ for a
  page to see and steer the line, http://@:8080/?readers=32&folder=recordings

exit codes: 0 done, 2 wrong options, 3 source not there or lost, 4 bundle or engine unusable here,
  5 self-test failed, 6 fault while running, 130 and 143 interrupted (outputs are finished first)
"""


@dataclass(frozen=True, kw_only=True)
class Request:
    """What one `hsi-run` shall do."""

    sources: tuple[SourceWord, ...]
    outputs: tuple[OutputWord, ...] = ()  # none: a window, or a new file where none can be opened
    model: str | None = None  # None: the shipped bundle
    styles: tuple[tuple[str, float], ...] = ()  # (picture or name, weight); none: the default
    strength: float | None = None  # 0..1; None: as the bundle says
    look: Look = field(default_factory=Look)
    stability: float = DEFAULT_STABILITY  # 0..1
    size: tuple[int, int] | None = None  # (width, height) in pixels
    duration_s: float | None = None
    frames: int | None = None
    policy: Policy | None = None
    live: LiveOptions = field(default_factory=LiveOptions)
    engine: str = "auto"
    threads: int | None = None
    tensorrt: TensorRtOptions = field(default_factory=TensorRtOptions)
    tile: int | str | None = AUTO  # pixels a side; None: frames are left whole
    verify: bool = True
    collect: str | None = None  # folder for frames outside the calibration set
    attachments: tuple[AttachmentOptions, ...] = ()  # what looks on and steers
    log_format: str = "text"  # or "json", one object a line
    trace: int | None = None  # log where every so many-th frame has been
    json: bool = False
    quiet: bool = False
    verbose: int = 0

    def __post_init__(self) -> None:
        if not self.sources:
            raise OptionError("no source: give a camera (--camera 0), a file (clip.mp4) or a URI")
        names = [os.path.abspath(name) for name in self.outputs if isinstance(name, str)]
        if len(set(names)) < len(names):
            raise OptionError("the same output stands there twice: give each its own name")
        if self.strength is not None and not 0 <= self.strength <= 1:
            raise OptionError(f"--strength must be from 0 to 1, got {self.strength:g}")
        if not 0 <= self.stability <= 1:
            raise OptionError(
                f"--stability: expected a number from 0 to 1, found {self.stability:g}: 0 is "
                "frame by frame, 1 the steadiest"
            )
        for name in ("frames", "threads", "trace"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise OptionError(f"--{name} must be at least 1, got {value}")
        _check_weights(self.styles)


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """Return the raw words of the command line.

    Raises:
        OptionError: A word is unknown or a value is malformed.
        SystemExit: `--help` was asked for and shown.
    """
    # Sources may stand anywhere among the options.
    return complete(_parser()).parse_intermixed_args(argv)


def request_from(args: argparse.Namespace) -> Request:
    """Return the checked request of a parsed command line.

    Raises:
        OptionError: A value is out of range, or the words contradict each other.
    """
    outputs, attachments = attachments_from(args)
    return Request(
        sources=(*args.sources, *args.source),
        outputs=outputs,
        attachments=attachments,
        model=args.model,
        styles=tuple(style_from_text(text) for text in args.style),
        strength=args.strength,
        look=look_from(args),
        stability=args.stability,
        size=None if args.size is None else size_from_text(args.size, of="--size"),
        duration_s=seconds_from_text(args.duration, of="--duration"),
        frames=args.frames,
        policy=None if args.policy is None else Policy(args.policy),
        live=live_from(args),
        engine=args.engine,
        threads=args.threads,
        tensorrt=_tensorrt_from(args),
        tile=_tile_from(args.tile),
        verify=not args.no_verify,
        collect=args.collect,
        log_format=args.log_format,
        trace=args.trace,
        json=args.json,
        quiet=args.quiet,
        verbose=args.verbose,
    )


def style_from_text(text: str) -> tuple[str, float]:
    """Return `(picture or name, weight)` of `picasso.jpg:0.3`; without a number the weight is 1.

    Raises:
        OptionError: The name is empty or the weight is not a positive number.
    """
    name, _, weight = text.rpartition(":")
    # A file whose own name ends in ":2" is that file.
    if not name or os.path.exists(text) or not re.fullmatch(r"-?[\d.]+(e-?\d+)?", weight):
        name, weight = text, "1"
    try:
        value = float(weight)
    except ValueError:
        value = 0.0
    if not name or not 0 < value < float("inf"):
        raise OptionError(
            f"--style must be PICTURE or PICTURE:WEIGHT with WEIGHT > 0, got {text!r}"
        )
    return name, value


def _check_weights(styles: Sequence[tuple[str, float]]) -> None:
    if len(styles) == 1 and styles[0][1] != 1:
        raise OptionError(
            f"--style {styles[0][0]}:{styles[0][1]:g}: a weight blends several styles: for less "
            "of one style use --strength"
        )


def _tensorrt_from(args: argparse.Namespace) -> TensorRtOptions:
    given = {"--min-size": args.min_size, "--max-size": args.max_size}
    sizes = {
        name: size_from_text(text, of=name) for name, text in given.items() if text is not None
    }
    if sizes and args.engine not in BUILT:
        raise OptionError(
            f"{next(iter(sizes))} is of --engine {', '.join(BUILT)}: found --engine {args.engine}"
        )
    return TensorRtOptions(min_size=sizes.get("--min-size"), max_size=sizes.get("--max-size"))


def _tile_from(text: str) -> int | str | None:
    if text == "off":
        return None
    try:
        return text if text == AUTO else int(text)
    except ValueError:
        raise OptionError(
            f"--tile: expected pixels a side such as 1024, auto or off, found {text!r}"
        ) from None


def _parser() -> argparse.ArgumentParser:
    parser = CommandParser(
        prog="hsi-run",
        description="Show a camera, stream, video or pictures in the style of another picture.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    _add_input(parser.add_argument_group("what goes in and out"))
    _add_style(parser.add_argument_group("style"))
    add_look(parser.add_argument_group("look"))
    _add_run(parser.add_argument_group("how it runs"))
    add_live(parser.add_argument_group("cameras and streams"))
    add_attachments(parser.add_argument_group("who looks on and steers"))
    _add_report(parser.add_argument_group("what it tells"))
    return parser


def _add_input(group: Any) -> None:
    group.add_argument("sources", nargs="*", metavar="SOURCE", help="the same as --source")
    group.add_argument(
        "-i", "--source", "--camera", action="append", default=[], metavar="URI",
        help="camera number, file, folder, stream or test pattern; repeated, cameras and streams "
        "play at once, files in turn",
    )  # fmt: skip
    group.add_argument(
        "-o", "--output", action="append", metavar="URI",
        help="video file, folder, picture, display:// or null:; repeat for several (default: a "
        "window; where none can be opened, a new hsi-run-DATE-TIME.mp4 in this folder, .png for "
        "one picture, a folder for several); {camera} is the number of the camera, from 1",
    )  # fmt: skip
    group.add_argument("--size", metavar="WxH", help="resize frames to this before the network")
    group.add_argument(
        "--duration", metavar="TIME", help="end after 10s, 500ms, 2m or 1h of stream"
    )
    group.add_argument("--frames", type=int, metavar="N", help="end after N frames")


def _add_style(group: Any) -> None:
    group.add_argument("--model", metavar="FILE", help="a .hsi bundle (default: the shipped one)")
    style = group.add_argument(
        "--style", action="append", default=[], metavar="PICTURE[:WEIGHT]",
        help="a picture, a file of hsi-tune, or a shipped style; repeat with weights to blend",
    )  # fmt: skip
    style.completer = style_names
    group.add_argument(
        "--strength", type=float, metavar="0..1", help="0: the frame itself, 1: all of the style"
    )
    group.add_argument("--list-styles", action="store_true", help="print the shipped styles, end")


def _add_run(group: Any) -> None:
    group.add_argument(
        "--policy", choices=[policy.value for policy in Policy],
        help="latest: the newest frame wins, a file plays in real time; every: nothing is "
        "dropped (default: latest for cameras and streams, every for files)",
    )  # fmt: skip
    group.add_argument(
        "--engine", default="auto", choices=ENGINES, metavar="NAME",
        help=f"what computes: {', '.join(ENGINES)} (default: auto)",
    )  # fmt: skip
    group.add_argument(
        "--min-size", metavar="WxH", help="smallest frame that an engine with TensorRT is built for"
    )
    group.add_argument("--max-size", metavar="WxH", help="the largest (default: the first frame)")
    group.add_argument("--threads", type=int, metavar="N", help="processor threads of the network")
    group.add_argument(
        "--tile", default=AUTO, metavar="SIZE|auto|off",
        help="pixels a side of the overlapping tiles that large frames are cut into, to bound the "
        "memory (default: auto, which leaves frames of up to 4096x2304 whole)",
    )  # fmt: skip
    group.add_argument("--no-verify", action="store_true", help="skip the bundle's self-test")


def _add_report(group: Any) -> None:
    group.add_argument(
        "--collect", metavar="DIR",
        help="save frames that differ and lie outside what an INT8 bundle was calibrated on (where "
        "nothing was: all that differ), for hsi-export --calib DIR",
    )  # fmt: skip
    group.add_argument(
        "--log-format", choices=("text", "json"), default="text",
        help="json: every line on stderr is a JSON object, with events and the summary",
    )  # fmt: skip
    group.add_argument(
        "--trace", type=int, metavar="N", help="log where every N-th frame has been, and when"
    )
    group.add_argument("--json", action="store_true", help="print the summary as JSON on stdout")
    group.add_argument("-q", "--quiet", action="store_true", help="no progress, no summary")
    group.add_argument("-v", "--verbose", action="count", default=0, help="more log; -vv: all")
    group.add_argument("--version", action="store_true", help="print the version, end")
