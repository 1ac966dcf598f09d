"""Log records as JSON, one line each."""

from __future__ import annotations

import json
import logging
from datetime import datetime, timezone
from typing import Any

from hsi.runtime.progress import LineHandler
from hsi.runtime.uri import redact_words


class JsonLineHandler(LineHandler):
    """Writes each record as a JSON object: `time`, `level`, `logger`, `message`, and what it told.

    A record tells more where it was logged with `extra={"told": {...}}`. Passwords in any text are
    hidden.
    """

    def text_of(self, record: logging.LogRecord) -> str:
        """Return the record as one line."""
        values: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, timezone.utc).isoformat(),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "told", {}),
        }
        if record.exc_info:
            values["traceback"] = logging.Formatter().formatException(record.exc_info)
        return json.dumps(redacted(values))


def redacted(value: Any) -> Any:
    """Return plain values with the passwords of every text in them hidden."""
    if isinstance(value, dict):
        return {key: redacted(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [redacted(item) for item in value]
    return redact_words(value) if isinstance(value, str) else value
