"""Where a line's MQTT broker is, and what it is told."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from hsi.runtime.attachment import missing_library
from hsi.runtime.duration import seconds_from_text
from hsi.runtime.errors import OptionError
from hsi.runtime.plant.recipes import recipes_from
from hsi.runtime.uri import query_of, redact, scheme_of

if TYPE_CHECKING:
    from hsi.runtime.plant.mqtt_link import MqttLink

PORTS = {"mqtt": 1883, "mqtts": 8883}
DEFAULT_TOPIC = "hsi-edge"
_FORM = "expected mqtt://host[:port]/topic, or mqtts://"
_QUERY = {"every": "5s", "styles": "/etc/hsi/styles", "ca": "ca.pem"}
_MAX_TOPIC = 200  # bytes


@dataclass(frozen=True, kw_only=True)
class MqttOptions:
    """A broker, and a topic below which everything of this line stands."""

    host: str = "127.0.0.1"
    port: int = PORTS["mqtt"]
    topic: str = DEFAULT_TOPIC
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: bool = False
    ca: Path | None = None  # whose certificates are believed; None: the system's
    every_s: float = 5.0  # between two status messages
    styles: Path | None = None  # folder of pictures that may be chosen beside the shipped styles

    def __post_init__(self) -> None:
        if not self.host:
            raise OptionError(f"--mqtt: {_FORM}, found no host")
        if not 1 <= self.port <= 65535:
            raise OptionError(f"--mqtt: expected a port from 1 to 65535, found {self.port}")
        if not 0.1 <= self.every_s <= 3600:
            raise OptionError(f"--mqtt: expected every=100ms to 1h, found {self.every_s:g} s")
        if self.ca is not None and not self.tls:
            raise OptionError("--mqtt: ca= is for mqtts://, found mqtt://: write mqtts://")
        bad = re.search(r"[+#\x00-\x1f\x7f]|//", self.topic)
        if not self.topic or bad or len(self.topic.encode()) > _MAX_TOPIC:
            raise OptionError(
                f"--mqtt: expected a topic such as plant/line-3, without + and #, found "
                f"{self.topic!r:.60}"
            )

    @property
    def name(self) -> str:
        """The address, without credentials."""
        return f"mqtt{'s' * self.tls}://{self.host}:{self.port}/{self.topic}"

    def open(self) -> MqttLink:
        """Load the library and the certificates. The broker may come later.

        Raises:
            OptionError: The library is not installed, or a certificate is none.
            SourceError: The folder of styles cannot be read.
        """
        recipes_from(self.styles)
        try:
            from hsi.runtime.plant.mqtt_link import MqttLink
        except ModuleNotFoundError as error:
            raise missing_library(error, "--mqtt", extra="mqtt") from error
        return MqttLink(self)


def mqtt_from_uri(uri: str) -> MqttOptions:
    """Read `mqtt://user:password@host:1883/plant/line-3?every=2s&styles=/etc/hsi/styles`.

    Raises:
        OptionError: It is malformed.
    """
    scheme = scheme_of(uri)
    if scheme not in PORTS:
        raise OptionError(f"--mqtt {redact(uri)}: {_FORM}, found another address")
    try:
        parts = urlsplit(uri)
        port = parts.port
    except ValueError as error:
        raise OptionError(f"--mqtt {redact(uri)}: {_FORM}, found no such address") from error
    if parts.fragment:
        raise OptionError(f"--mqtt {redact(uri)}: a topic has no #")
    query = query_of(uri, allowed=_QUERY)
    return MqttOptions(
        host=parts.hostname or "127.0.0.1",
        port=PORTS[scheme] if port is None else port,
        topic=unquote(parts.path).strip("/") or DEFAULT_TOPIC,
        user=None if parts.username is None else unquote(parts.username),
        password=None if parts.password is None else unquote(parts.password),
        tls=scheme == "mqtts",
        ca=Path(query["ca"]) if "ca" in query else None,
        every_s=seconds_from_text(query.get("every", "5s"), of="--mqtt every=") or 0.0,
        styles=Path(query["styles"]) if "styles" in query else None,
    )
