"""Where metrics are served."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hsi.runtime.attachment import missing_library
from hsi.runtime.errors import OptionError

if TYPE_CHECKING:
    from hsi.runtime.metrics.server import MetricsServer

LOOPBACK = "127.0.0.1"

_ADDRESS = re.compile(r"(?:(?P<host>[\w.-]+|\[[0-9a-fA-F:.]+\]):)?(?P<port>\d{1,5})")


@dataclass(frozen=True, kw_only=True)
class MetricsOptions:
    """Where metrics are served. Other machines reach them only at an address of this one."""

    port: int  # 0: any that is free
    host: str = LOOPBACK  # a name or an address, IPv6 without brackets

    def __post_init__(self) -> None:
        if not 0 <= self.port <= 65535:
            raise OptionError(f"--metrics: expected a port from 0 to 65535, found {self.port}")

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    def open(self) -> MetricsServer:
        """See :class:`hsi.runtime.attachment.AttachmentOptions`."""
        try:
            from hsi.runtime.metrics.server import MetricsServer
        except ModuleNotFoundError as error:
            raise missing_library(error, "--metrics", extra="metrics") from error
        return MetricsServer(self)


def metrics_from_text(text: str) -> MetricsOptions:
    """Return the address of `9108`, `0.0.0.0:9108` or `[::1]:9108`.

    Raises:
        OptionError: It is none.
    """
    found = _ADDRESS.fullmatch(text)
    if found is None:
        raise OptionError(f"--metrics: expected [HOST:]PORT such as 9108, found {text!r}")
    return MetricsOptions(host=(found["host"] or LOOPBACK).strip("[]"), port=int(found["port"]))
