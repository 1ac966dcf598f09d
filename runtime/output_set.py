"""The outputs of every camera, from the names that the user gave."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from hsi.runtime.default_output import default_output
from hsi.runtime.errors import OptionError
from hsi.runtime.image_output import PictureOutput
from hsi.runtime.inputs import Input
from hsi.runtime.output import Output, OutputOptions, OutputWord, open_output
from hsi.runtime.recorder import Recorder
from hsi.runtime.source import SourceWord
from hsi.runtime.uri import local_path, redact, scheme_of

PLACE = "{camera}"
"""Stands in an output's name for the number of its camera, 1 for the first."""


def open_outputs(
    uris: Sequence[OutputWord],
    inputs: Sequence[Input],
    *,
    frame_count: int | None,
    stack: contextlib.ExitStack,
    tell: Callable[[str], None],
) -> list[list[Output]]:
    """Open every output once for each input.

    Args:
        uris: Names, or what opens an output; none for a window, or a new file where no window can
            be.
        inputs: What will be written.
        frame_count: How many frames an output will get, or None where nobody knows.
        stack: Leaves the outputs.
        tell: Given one sentence when a file takes the place of a window.

    Returns:
        The entered outputs of each input.

    Raises:
        OptionError: A name is of no known kind, would be written by two cameras, or is a source.
        OutputError: It cannot be written there.
    """
    for uri in uris:
        if isinstance(uri, str):
            _check_place(uri, len(inputs))
    found = []
    for number, one in enumerate(inputs, 1):
        words = [u.replace(PLACE, str(number)) if isinstance(u, str) else u for u in uris]
        outputs = [stack.enter_context(o) for o in _opened(words, one, frame_count)]
        found.append(outputs or [stack.enter_context(default_output(one, frame_count, tell))])
    return found


def refuse_sources(uris: Sequence[OutputWord], sources: Sequence[SourceWord]) -> None:
    """Refuse outputs that are sources, and would be lost.

    Raises:
        OptionError: One is.
    """
    addresses = [source for source in sources if isinstance(source, str)]
    for uri in (word for word in uris if isinstance(word, str)):
        for source in addresses:
            paths = [local_path(text) for text in (uri, source) if scheme_of(text) in ("", "file")]
            files = [path for path in paths if os.path.isfile(path)]
            if len(files) == 2 and os.path.samefile(*files):
                raise OptionError(
                    f"{redact(uri)}: is the source itself, and would be lost: choose another output"
                )


def open_recorders(
    path: str | None, sources: Sequence[SourceWord], stack: contextlib.ExitStack
) -> list[Recorder]:
    """Return a recorder for each source, or none where nothing is recorded.

    Raises:
        OptionError: Several cameras would share the file.
        OutputError: It cannot be written there.
    """
    if path is None:
        return []
    _check_place(path, len(sources))
    names = [path.replace(PLACE, str(number)) for number in range(1, len(sources) + 1)]
    return [stack.enter_context(Recorder(Path(name))) for name in names]


def _check_place(uri: str, cameras: int) -> None:
    shares = uri.startswith("null:") or scheme_of(uri) == "display"
    if cameras > 1 and PLACE not in uri and not shares:
        stem, suffix = os.path.splitext(uri)
        raise OptionError(
            f"{redact(uri)}: {cameras} cameras cannot share it: expected the place of their "
            f"number, such as {redact(stem)}-{PLACE}{suffix}"
        )


def _opened(uris: Sequence[OutputWord], one: Input, frame_count: int | None) -> Iterator[Output]:
    options = OutputOptions(fps=one.fps, live=one.live)
    for uri in uris:
        output = open_output(uri, options=options) if isinstance(uri, str) else uri()
        if isinstance(output, PictureOutput) and frame_count != 1:
            raise OptionError(
                f"{output.name}: holds one picture, but the source has "
                f"{frame_count or 'no known number of'} frames: give a folder or a video, "
                "or --frames 1"
            )
        yield output
