"""What can go wrong, as one tree: catch :class:`HsiError` for all of it.

Every message has four parts: which thing, what was expected, what was found, what to do.
Each leaf is also the builtin a caller would expect, so either may be caught.
"""


class HsiError(Exception):
    """Base of every error this toolkit raises. ``exit_code`` is what the commands return for it."""

    exit_code = 6


class OptionError(HsiError, ValueError):
    """An option has a value it cannot have."""

    exit_code = 2


class SourceError(HsiError, OSError):
    """A picture, clip, camera or checkpoint cannot be opened or read."""

    exit_code = 3


class BundleError(HsiError, ValueError):
    """A ``.hsi`` bundle is damaged, incomplete, unsafe or of an unknown format."""

    exit_code = 4


class EngineError(HsiError, RuntimeError):
    """No engine can run this bundle here, or the engine failed."""

    exit_code = 4


class QualityError(HsiError, ArithmeticError):
    """What was produced is not what was promised: a parity check or a self-test failed."""

    exit_code = 5


class FrameError(HsiError, ValueError):
    """A frame, style code or statistics array has the wrong dtype, rank or size."""


class OutputError(HsiError, OSError):
    """An output cannot be opened or written."""
