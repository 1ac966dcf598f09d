"""One run as asked for: opens everything the request names, plays it, and gives it back."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import hsi.runtime
from hsi.runtime.arguments import Request
from hsi.runtime.attachment import Attachments
from hsi.runtime.buffer_pool import BufferPool
from hsi.runtime.errors import OptionError
from hsi.runtime.feed import Feed
from hsi.runtime.frame_collector import FrameCollector
from hsi.runtime.inputs import Input, open_inputs
from hsi.runtime.live_run import LiveRun
from hsi.runtime.output import Output
from hsi.runtime.output_set import open_outputs, open_recorders, refuse_sources
from hsi.runtime.pipeline import run_feeds
from hsi.runtime.region import Region
from hsi.runtime.run_options import RunOptions
from hsi.runtime.run_parts import RunParts
from hsi.runtime.run_summary import Progress, RunSummary
from hsi.runtime.scene_watch import SceneWatch
from hsi.runtime.source import SourceOptions
from hsi.runtime.stream import Stream
from hsi.runtime.styles import DEFAULT_STYLE

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class PlayResult:
    """What a run did, and with what."""

    summary: RunSummary
    engine: str  # what ran the last frame
    asked: str  # what was asked for

    @property
    def engine_text(self) -> str:
        """What ran, and what was asked for where that is another."""
        if self.asked in ("auto", self.engine):
            return self.engine
        return f"{self.engine} ({self.asked} was asked for)"

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {"engine": self.engine, "engine_asked": self.asked, **self.summary.as_dict()}


def _to_nobody(text: str) -> None:
    pass


def play(
    request: Request,
    on_progress: Callable[[Progress], None],
    *,
    stop: threading.Event,
    tell: Callable[[str], None] = logger.warning,
    announce: Callable[[str], None] = _to_nobody,
) -> PlayResult:
    """Do what the request asks for.

    Args:
        request: Sources, outputs, style and limits.
        on_progress: Told where the run stands.
        stop: When set, the run ends soon and its outputs are finished.
        tell: Given one sentence where the run does other than the user may expect.
        announce: Given lines that may hold a secret: for the user's eyes, not for a log.

    Raises:
        HsiError: Whatever is wrong with a source, the bundle, a style or an output.
    """
    with contextlib.ExitStack() as stack:
        # Sources and outputs first: a mistake there shall not take the time to load a model.
        sources = stack.enter_context(contextlib.ExitStack())
        refuse_sources(request.outputs, request.sources)
        reconnect = request.live.reconnect
        inputs = open_inputs(
            request.sources,
            reconnect=reconnect,
            options=SourceOptions(transport=request.live.transport),
            recorders=open_recorders(request.live.record, request.sources, stack),
            stack=sources,
            stop=stop,
        )
        expected = _expected(request, inputs)
        for one in inputs:
            _check_protected(request, one)
            logger.info("%s: %s, %s fps, %s frames", one.name, one.size, one.fps, expected)
        outputs = open_outputs(
            request.outputs, inputs, frame_count=expected, stack=stack, tell=tell
        )
        attachments = stack.enter_context(Attachments(request.attachments))
        collector = FrameCollector(Path(request.collect)) if request.collect else None
        stylizer = stack.enter_context(
            hsi.runtime.load(
                request.model,
                engine=request.engine,
                threads=request.threads,
                tensorrt=request.tensorrt,
                verify=request.verify,
                tile=request.tile,
            )
        )
        _set_style(stylizer, request)
        reference = stylizer.drift_reference()
        watches = {one.name: SceneWatch(reference, collector) for one in inputs}
        # Each camera has a past of its own.
        streams = [_stream(request, stylizer, watches[one.name]) for one in inputs]
        feeds = [_feed(*three) for three in zip(inputs, streams, outputs, strict=True)]

        def begin(parts: RunParts) -> None:
            live = LiveRun(parts, stylizer, streams, styles=_styles(request))
            stack.callback(live.close)
            attachments.attach(live)
            for notice in attachments.notices:
                announce(notice)
            stack.callback(attachments.close)  # before what they look at ends

        sources.pop_all()  # from here on the pipeline closes them, in the threads that read
        summary = run_feeds(
            feeds,
            _options_for(request, expected),
            lambda progress: on_progress(replace(progress, drift=_worst_drift(watches))),
            stop=stop,
            on_start=begin,
        )
        told = {name: watch.summary() for name, watch in watches.items()}
        drift = {name: summed for name, summed in told.items() if summed is not None}
        summary = replace(summary, drift=drift, collected=collector.saved if collector else 0)
        engine = stylizer.engine_name
    return PlayResult(summary=summary, engine=engine, asked=request.engine)


def _stream(request: Request, stylizer: hsi.runtime.Stylizer, watch: SceneWatch) -> Stream:
    return Stream(stylizer, look=request.look, stability=request.stability, watch=watch)


def _feed(one: Input, stream: Stream, outputs: Sequence[Output]) -> Feed:
    pool = BufferPool(stream.play)
    return Feed(
        name=one.name,
        sources=one.sources,
        reopen=one.reopen,
        stylize=pool,
        recycle=pool.give_back,
        set_resolution=stream.set_resolution,
        outputs=outputs,
    )


def _worst_drift(watches: Mapping[str, SceneWatch]) -> float | None:
    drifts = [watch.drift for watch in watches.values()]
    return max((drift for drift in drifts if drift is not None), default=None)


def _expected(request: Request, inputs: Sequence[Input]) -> int | None:
    """Return how many frames each input will give, if that is known."""
    first = inputs[0]
    limits = [first.frame_count, request.frames]
    if request.duration_s is not None and first.fps:
        limits.append(round(request.duration_s * first.fps))
    return min((limit for limit in limits if limit is not None), default=None)


def _check_protected(request: Request, one: Input) -> None:
    size = request.size or one.size
    for region in request.look.protect:
        if size is None or not isinstance(region, Region):
            continue
        try:
            region.box(size)
        except OptionError as error:
            raise OptionError(f"--{error}") from error


def _set_style(stylizer: hsi.runtime.Stylizer, request: Request) -> None:
    styles = _styles(request)
    style = styles if len(styles) > 1 else styles[0][0]
    stylizer.set_style(style, strength=request.strength)


def _styles(request: Request) -> tuple[tuple[str, float], ...]:
    return request.styles or ((DEFAULT_STYLE, 1.0),)


def _options_for(request: Request, expected: int | None) -> RunOptions:
    defaults = RunOptions()
    return RunOptions(
        policy=request.policy,
        frames=request.frames,
        duration_s=request.duration_s,
        size=request.size,
        on_fault=request.live.on_fault,
        max_age_s=request.live.max_age_s,
        trace=request.trace,
        max_latency_s=request.live.max_latency_s,
        stall_s=request.live.stall_s or defaults.stall_s,
        expected_frames=expected,
    )
