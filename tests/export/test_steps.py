from __future__ import annotations

import io
import re

from hsi.export.steps import Steps


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_log_gets_a_line_per_step_that_has_ended() -> None:
    stream = io.StringIO()
    steps = Steps(stream, quiet=False)
    for name in ("reading", "writing"):
        steps(name)
    assert re.fullmatch(r"reading: \d+\.\d s\n", stream.getvalue())
    steps.done()
    steps.done()
    assert re.fullmatch(r"reading: \d+\.\d s\nwriting: \d+\.\d s\n", stream.getvalue())


def test_a_terminal_shows_the_running_step_and_gives_its_line_back() -> None:
    stream = _Terminal()
    steps = Steps(stream, quiet=False)
    steps("reading")
    assert stream.getvalue() == "reading ... "
    steps.clear()
    assert stream.getvalue() == "reading ... \r\x1b[K"


def test_quiet_says_nothing() -> None:
    stream = _Terminal()
    steps = Steps(stream, quiet=True)
    steps("reading")
    steps.clear()
    steps.done()
    assert stream.getvalue() == ""
