"""Where a line's OPC UA server listens."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from hsi.runtime.attachment import missing_library
from hsi.runtime.errors import OptionError
from hsi.runtime.plant.recipes import recipes_from
from hsi.runtime.uri import query_of, redact, scheme_of

if TYPE_CHECKING:
    from hsi.runtime.plant.opcua_server import OpcUaServer

SCHEME = "opc.tcp"
DEFAULT_PORT = 4840
_FORM = "expected opc.tcp://127.0.0.1[:port]"
_QUERY = {"styles": "/etc/hsi/styles"}


@dataclass(frozen=True, kw_only=True)
class OpcUaOptions:
    """An address of this machine, and who may come."""

    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    styles: Path | None = None  # folder of pictures that are recipes beside the shipped styles

    def __post_init__(self) -> None:
        if not 1 <= self.port <= 65535:
            raise OptionError(f"--opcua: expected a port from 1 to 65535, found {self.port}")
        if (self.user is None) != (self.password is None) or self.password == "":
            raise OptionError("--opcua: expected user and password, found one of them: give both")
        if self.user is None and not _is_loopback(self.host):
            raise OptionError(
                f"--opcua: expected user and password where other machines can come, found "
                f"{self.name}: write them before the host, or listen on 127.0.0.1"
            )

    @property
    def name(self) -> str:
        """The address, without credentials."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{SCHEME}://{host}:{self.port}"

    def open(self) -> OpcUaServer:
        """Start to listen.

        Raises:
            OptionError: The library is not installed.
            SourceError: The folder of styles cannot be read.
            OutputError: The port cannot be had.
        """
        recipes_from(self.styles)
        try:
            from hsi.runtime.plant.opcua_server import OpcUaServer
        except ModuleNotFoundError as error:
            raise missing_library(error, "--opcua", extra="opcua") from error
        return OpcUaServer(self)


def opcua_from_uri(uri: str) -> OpcUaOptions:
    """Read `opc.tcp://user:password@0.0.0.0:4840?styles=/etc/hsi/styles`.

    Raises:
        OptionError: It is malformed.
    """
    if scheme_of(uri) != SCHEME:
        raise OptionError(f"--opcua {redact(uri)}: {_FORM}, found another address")
    try:
        parts = urlsplit(uri)
        port = parts.port
    except ValueError as error:
        raise OptionError(f"--opcua {redact(uri)}: {_FORM}, found no such address") from error
    if parts.path.strip("/") or parts.fragment:
        raise OptionError(f"--opcua {redact(uri)}: {_FORM}, found more behind it")
    query = query_of(uri, allowed=_QUERY)
    return OpcUaOptions(
        host=parts.hostname or "127.0.0.1",
        port=DEFAULT_PORT if port is None else port,
        user=None if parts.username is None else unquote(parts.username),
        password=None if parts.password is None else unquote(parts.password),
        styles=Path(query["styles"]) if "styles" in query else None,
    )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
