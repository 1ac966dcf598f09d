"""What leaving a `with` block closes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TypeVar

Opened = TypeVar("Opened", bound="Closing")


class Closing(ABC):
    """A context manager that is itself what was opened, and whose end is :meth:`close`."""

    def __enter__(self: Opened) -> Opened:
        return self

    def __exit__(self, *reason: object) -> None:
        self.close()

    @abstractmethod
    def close(self) -> None:
        """Give back what is held."""
