"""One thing that was looked at, and what to do about it."""

from __future__ import annotations

import enum
from dataclasses import asdict, dataclass


class Level(str, enum.Enum):
    """How bad it is."""

    OK = "ok"
    NOTE = "note"  # something that could be had and is not
    WARNING = "warning"  # works, and will disappoint on some day or with some camera
    FAULT = "fault"  # something does not work


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What was found of one subject."""

    level: Level
    subject: str  # "engine openvino", "camera 0"
    text: str  # what was found, in one line
    mend: str = ""  # what to do, in one line

    def __post_init__(self) -> None:
        if self.level in (Level.WARNING, Level.FAULT) and not self.mend:
            raise ValueError(f"{self.subject}: a {self.level.value} needs its mend")

    def as_dict(self) -> dict[str, str]:
        """Return plain values for JSON."""
        return {**asdict(self), "level": self.level.value}


def ok(subject: str, text: str) -> Finding:
    """What is as it should be."""
    return Finding(level=Level.OK, subject=subject, text=one_line(text))


def note(subject: str, text: str, mend: str = "") -> Finding:
    """What could be had and is not."""
    return Finding(level=Level.NOTE, subject=subject, text=one_line(text), mend=one_line(mend))


def warning(subject: str, text: str, mend: str) -> Finding:
    """What works for now."""
    return Finding(level=Level.WARNING, subject=subject, text=one_line(text), mend=one_line(mend))


def fault(subject: str, text: str, mend: str) -> Finding:
    """What does not work."""
    return Finding(level=Level.FAULT, subject=subject, text=one_line(text), mend=one_line(mend))


def one_line(text: str) -> str:
    """The text without line breaks and control characters, and not endless."""
    words = " ".join(text.split())
    return "".join(c for c in words if c.isprintable())[:500]
