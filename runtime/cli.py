# PYTHON_ARGCOMPLETE_OK
"""`hsi-run`: play a camera, stream, video or pictures through a style."""

from __future__ import annotations

import contextlib
import json
import logging
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from hsi.runtime.arguments import Request, parse, request_from
from hsi.runtime.closed_pipe import leave_unread
from hsi.runtime.errors import HsiError
from hsi.runtime.family import asks_for_pictures
from hsi.runtime.heap import keep_frames, share_heap
from hsi.runtime.stop_signals import SIGNALLED, StopSignals
from hsi.runtime.uri import redact_words

if TYPE_CHECKING:
    from hsi.runtime.attachment import AttachmentOptions
    from hsi.runtime.progress import ProgressLine
    from hsi.runtime.run_summary import RunSummary

logger = logging.getLogger(__name__)

_FAULT = 6


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        argv: The words after the program's name; None: those of this process.

    Returns:
        The exit code; `hsi-run --help` lists them.
    """
    words = sys.argv[1:] if argv is None else argv
    if asks_for_pictures(words):
        from hsi.runtime.appearance.cli import main as run_pictures

        return run_pictures(words)
    share_heap()
    keep_frames()
    stop = _Stop()
    say = _say
    try:
        args = parse(argv)
        say = _say_as_json if args.log_format == "json" else _say
        if args.version:
            return _print_version()
        if args.list_styles:
            return _print_styles()
        if args.list_cameras:
            return _print_cameras(as_json=args.json)
        if args.probe is not None:
            return _print_probe(args.probe, as_json=args.json)
        with stop.on_signals():
            _run(request_from(args), stop, say)
    except HsiError as error:
        say(str(error))
        return error.exit_code
    except KeyboardInterrupt:
        return stop.exit_code or SIGNALLED + signal.SIGINT
    except BrokenPipeError:
        return leave_unread()
    except Exception as error:
        # A fault of ours. The traceback is in the log of -vv; whoever runs this gets a line.
        text = f"{type(error).__name__}: {error}"
        say(f"internal fault: {text}: run with -vv and report it")
        return _FAULT
    return stop.exit_code


def _say(text: str) -> None:
    print(f"hsi-run: {' '.join(redact_words(text).split())}", file=sys.stderr)


def _say_as_json(text: str) -> None:
    line = {"level": "error", "message": " ".join(redact_words(text).split())}
    print(json.dumps(line), file=sys.stderr)


class _Stop(StopSignals):
    """What ends a run, and the exit code that says so."""

    def note_faults(self, summary: RunSummary) -> None:
        """Let a run that lost an output on the way end as a fault."""
        if "output failed" in summary.event_counts:
            self.exit_code = self.exit_code or _FAULT


def _print_version() -> int:
    from importlib.metadata import version

    print(f"hsi-run {version('hsi-edge')}")
    return 0


def _print_styles() -> int:
    from hsi.runtime.styles import shipped_styles

    for name in sorted(shipped_styles()):
        print(name)
    return 0


def _print_cameras(*, as_json: bool) -> int:
    from hsi.runtime.cameras import cameras

    found = cameras()
    if as_json:
        print(json.dumps([asdict(camera) for camera in found], indent=2))
    for camera in [] if as_json else found:
        print(f"{camera.address}  {camera.device}  {camera.name}")
    if not found:
        _say("no camera found: check the cable, or try --source test://1280x720@30")
    return 0


def _print_probe(uri: str, *, as_json: bool) -> int:
    from hsi.runtime.picture import silence_opencv
    from hsi.runtime.probe import probe

    silence_opencv()
    found = probe(uri)
    print(json.dumps(found.as_dict(), indent=2) if as_json else found)
    return 0


def _run(request: Request, stop: _Stop, say: Callable[[str], None]) -> None:
    # Imported here: `--help` and a mistyped option need no video library and no engine.
    from hsi.runtime.player import play
    from hsi.runtime.progress import ProgressLine, text_of_summary

    as_json = request.log_format == "json"
    line = ProgressLine(sys.stderr, quiet=request.quiet or as_json)
    request = replace(request, attachments=(*request.attachments, *_status_dump(as_json)))

    def announce(text: str) -> None:
        line.clear()
        # As it is: the address of a page is of no use without its token. In one piece: threads log.
        print(f"hsi-run: {text}\n", end="", file=sys.stderr, flush=True)

    with _logging(request, line):
        try:
            result = play(request, line, stop=stop.event, tell=say, announce=announce)
        finally:
            line.clear()
        logger.info("the run has ended", extra={"told": {"summary": result.as_dict()}})
    stop.note_faults(result.summary)
    if request.json:
        print(json.dumps(result.as_dict(), indent=2), flush=True)
    elif not (request.quiet or as_json):
        print(text_of_summary(result.summary), file=sys.stderr)
        outputs = ", ".join(result.summary.outputs)
        print(f"engine {result.engine_text}, output {outputs}", file=sys.stderr)


def _status_dump(as_json: bool) -> Iterator[AttachmentOptions]:
    if threading.current_thread() is threading.main_thread() and hasattr(signal, "SIGUSR1"):
        from hsi.runtime.status_dump import StatusDumpOptions

        yield StatusDumpOptions(stream=sys.stderr, indent=None if as_json else 2)


@contextlib.contextmanager
def _logging(request: Request, line: ProgressLine) -> Iterator[None]:
    from hsi.runtime import journey
    from hsi.runtime.json_log import JsonLineHandler
    from hsi.runtime.picture import silence_opencv
    from hsi.runtime.progress import LineHandler

    as_json = request.log_format == "json"
    handler = (JsonLineHandler if as_json else LineHandler)(sys.stderr, line)
    handler.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
    levels = (logging.WARNING, logging.INFO, logging.DEBUG)
    # Machines read JSON: they get what people ask for with -v.
    level = logging.ERROR if request.quiet else levels[min(request.verbose + as_json, 2)]
    journey.logger.setLevel(logging.NOTSET if request.trace is None else logging.INFO)
    # OpenCV writes its own warnings past Python, in front of our one clear line.
    silence_opencv()
    root = logging.getLogger()
    before = root.level
    root.setLevel(level)
    root.addHandler(handler)
    try:
        yield
    except Exception as error:
        if not isinstance(error, HsiError):
            logger.debug("fault", exc_info=True)
        raise
    finally:
        # Whoever calls main() from Python gets its logging back as it was.
        root.removeHandler(handler)
        root.setLevel(before)


if __name__ == "__main__":
    sys.exit(main())
