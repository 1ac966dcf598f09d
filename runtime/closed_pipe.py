"""What a command does when whoever reads what it prints has left, as `| head` does."""

from __future__ import annotations

import os
import signal
import sys

UNREAD = 128 + signal.SIGPIPE
"""The exit code of a command whose reader left, as shells have it."""


def leave_unread() -> int:
    """Let nothing be flushed to the reader any more, which would end in a traceback.

    Call it where `BrokenPipeError` is caught; what is printed must be flushed before that.

    Returns:
        :data:`UNREAD`.
    """
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return UNREAD
