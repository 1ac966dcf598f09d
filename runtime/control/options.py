"""What the user says about the control page."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hsi.runtime.errors import OptionError
from hsi.runtime.uri import query_of, redact

if TYPE_CHECKING:
    from hsi.runtime.control.page import ControlPage

LOOPBACK = "127.0.0.1"
_ADDRESS = re.compile(r"http://@:(\d{1,5})/?(\?.*)?", re.IGNORECASE)
_QUERY = {"readers": "32", "folder": "recordings"}


@dataclass(frozen=True, kw_only=True)
class ControlOptions:
    """Where the page is served and to how many."""

    port: int  # of TCP; 0: a free one
    bind: str = LOOPBACK  # the address of this machine it is served at; beyond loopback: a token
    readers: int = 32  # browsers and streams at the same time
    folder: Path = Path()  # where recordings go

    def __post_init__(self) -> None:
        if not 0 <= self.port <= 65535:
            raise OptionError(f"control page: expected a port up to 65535, found {self.port}")
        if not 1 <= self.readers <= 200:
            raise OptionError(f"control page: expected 1 to 200 readers, found {self.readers}")
        if not self.folder.is_dir():
            raise OptionError(
                f"control page: expected a folder for recordings, found {str(self.folder)!r} that "
                "is none: create it first"
            )
        try:
            ipaddress.ip_address(self.bind)
        except ValueError:
            raise OptionError(
                f"--bind: expected an address of this machine, found {redact(self.bind)!r}: give "
                "0.0.0.0 for all, or one such as 192.168.1.5"
            ) from None

    @property
    def loopback(self) -> bool:
        """Whether only this machine reaches it."""
        return ipaddress.ip_address(self.bind).is_loopback

    @property
    def url_host(self) -> str:
        """The bound address as it stands in a URL."""
        return f"[{self.bind}]" if ":" in self.bind else self.bind

    def open(self) -> ControlPage:
        """Return the page, bound to its port.

        Raises:
            OptionError: A library of the extra `control` is missing.
            OutputError: The port is taken, or the address is none of this machine.
        """
        try:
            from hsi.runtime.control.page import ControlPage
        except ModuleNotFoundError as error:
            raise OptionError(
                f"-o http://@:{self.port}/ needs {error.name}, which is not installed: "
                "pip install 'hsi-edge[control]'"
            ) from error
        return ControlPage(self)


def is_control_uri(uri: str) -> bool:
    """Tell whether an output is the control page."""
    return uri.lower().startswith("http://")


def control_options_from_uri(uri: str, *, bind: str | None) -> ControlOptions:
    """Return what `http://@:8080/?readers=32&folder=recordings` says.

    Args:
        uri: The output as written.
        bind: The word after `--bind`; None: loopback.

    Raises:
        OptionError: It is no such address, or a value is out of range.
    """
    found = _ADDRESS.fullmatch(uri)
    if found is None:
        raise OptionError(
            f"{redact(uri)}: expected http://@:PORT/ for the control page: --bind says at which "
            "address of this machine"
        )
    query = query_of(uri, allowed=_QUERY)
    readers = query.get("readers", "32")
    if not readers.isascii() or not readers.isdigit():
        raise OptionError(f"{redact(uri)}: expected readers=32, found {redact(readers)!r}")
    return ControlOptions(
        port=int(found[1]),
        bind=bind or LOOPBACK,
        readers=int(readers[:6]),
        folder=Path(query.get("folder", ".")),
    )
