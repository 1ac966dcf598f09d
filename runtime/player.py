"""One run as asked for: opens everything the request names, plays it, and gives it back."""

from __future__ import annotations

import contextlib
import logging
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import hsi.runtime
from hsi.runtime.arguments import Request
from hsi.runtime.buffer_ring import BufferRing
from hsi.runtime.default_output import default_output
from hsi.runtime.errors import OptionError
from hsi.runtime.image_output import PictureOutput
from hsi.runtime.output import Output, OutputOptions, open_output
from hsi.runtime.pipeline import RING_SLOTS, run_stream
from hsi.runtime.region import Region
from hsi.runtime.run_options import RunOptions
from hsi.runtime.run_summary import Progress, RunSummary
from hsi.runtime.source import Source, open_source
from hsi.runtime.stream import Stream
from hsi.runtime.styles import DEFAULT_STYLE
from hsi.runtime.uri import local_path, redact, scheme_of

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class PlayResult:
    """What a run did, and with what."""

    summary: RunSummary
    engine: str

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {"engine": self.engine, **self.summary.as_dict()}


def play(
    request: Request,
    on_progress: Callable[[Progress], None],
    *,
    stop: threading.Event,
    tell: Callable[[str], None] = logger.warning,
) -> PlayResult:
    """Do what the request asks for.

    Args:
        request: Sources, outputs, style and limits.
        on_progress: Told where the run stands.
        stop: When set, the run ends soon and its outputs are finished.
        tell: Given one sentence where the run does other than the user may expect.

    Raises:
        HsiError: Whatever is wrong with a source, the bundle, a style or an output.
    """
    with contextlib.ExitStack() as stack:
        # Sources and outputs first: a mistake there shall not take the time to load a model.
        source = stack.enter_context(contextlib.ExitStack())
        first = open_source(request.sources[0])
        source.callback(first.close)
        expected = _checked_sources(request, first)
        _check_protected(request, first)
        logger.info("%s: %s, %s fps, %s frames", first.name, first.size, first.fps, expected)
        outputs = [stack.enter_context(output) for output in _outputs_of(request, first, expected)]
        if not outputs:
            outputs.append(stack.enter_context(default_output(first, expected, tell)))
        stylizer = stack.enter_context(
            hsi.runtime.load(
                request.model,
                engine=request.engine,
                threads=request.threads,
                verify=request.verify,
            )
        )
        _set_style(stylizer, request)
        stream = Stream(stylizer, look=request.look, stability=request.stability)
        source.pop_all()  # from here on the pipeline closes it, in the thread that reads it
        summary = run_stream(
            _sources_of(first, request.sources[1:]),
            BufferRing(stream.play, slots=RING_SLOTS),
            outputs,
            _options_for(request, expected),
            on_progress,
            stop=stop,
        )
        engine = stylizer.engine_name
    return PlayResult(summary=summary, engine=engine)


def _checked_sources(request: Request, first: Source) -> int | None:
    """Look at every source before the work starts. Returns the frames there will be, if known."""
    counts = [_checked_count(first, alone=len(request.sources) == 1)]
    for uri in request.sources[1:]:
        with open_source(uri) as source:
            counts.append(_checked_count(source, alone=False))
    known = [count for count in counts if count is not None]
    limits = [sum(known)] if len(known) == len(counts) else []
    if request.duration_s is not None and first.fps:
        limits.append(round(request.duration_s * first.fps))
    if request.frames is not None:
        limits.append(request.frames)
    return min(limits, default=None)


def _checked_count(source: Source, *, alone: bool) -> int | None:
    if not alone and source.live and source.frame_count is None:
        raise OptionError(
            f"{source.name}: several sources play one after another, and this one has no end: "
            "give it alone, in a run of its own"
        )
    return source.frame_count


def _check_protected(request: Request, first: Source) -> None:
    size = request.size or first.size
    for one in request.look.protect:
        if size is None or not isinstance(one, Region):
            continue
        try:
            one.box(size)
        except OptionError as error:
            raise OptionError(f"--{error}") from error


def _sources_of(first: Source, others: Sequence[str]) -> Iterator[Source]:
    yield first
    # Opened in turn: a hundred open videos would take the memory of a hundred decoders.
    for uri in others:
        yield open_source(uri)


def _set_style(stylizer: hsi.runtime.Stylizer, request: Request) -> None:
    styles = request.styles
    style = styles if len(styles) > 1 else styles[0][0] if styles else DEFAULT_STYLE
    stylizer.set_style(style, strength=request.strength)


def _outputs_of(request: Request, first: Source, expected: int | None) -> Iterator[Output]:
    options = OutputOptions(fps=first.fps)
    for uri in request.outputs:
        _refuse_source_as_output(uri, request.sources)
        output = open_output(uri, options=options)
        if isinstance(output, PictureOutput) and expected != 1:
            raise OptionError(
                f"{output.name}: holds one picture, but the source has "
                f"{expected or 'no known number of'} frames: give a folder or a video, "
                "or --frames 1"
            )
        yield output


def _refuse_source_as_output(uri: str, sources: Sequence[str]) -> None:
    for source in sources:
        paths = [local_path(text) for text in (uri, source) if scheme_of(text) in ("", "file")]
        files = [path for path in paths if os.path.isfile(path)]
        if len(files) == 2 and os.path.samefile(*files):
            raise OptionError(
                f"{redact(uri)}: is the source itself, and would be lost: choose another output"
            )


def _options_for(request: Request, expected: int | None) -> RunOptions:
    return RunOptions(
        policy=request.policy,
        frames=request.frames,
        duration_s=request.duration_s,
        size=request.size,
        expected_frames=expected,
    )
