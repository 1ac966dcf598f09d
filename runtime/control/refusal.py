"""How the API says no: one line, and a status that tells whose fault it is."""

from __future__ import annotations

import logging
from typing import Any

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse

from hsi.runtime.errors import HsiError, OptionError, SourceError
from hsi.runtime.uri import redact_words

logger = logging.getLogger(__name__)


class NotThere(OptionError):
    """What an address names does not exist."""


class NotNow(OptionError):
    """It cannot be done in this state."""


class TooMany(OptionError):
    """All places for readers are taken."""


_STATUS: dict[type[HsiError], int] = {
    NotThere: 404,
    NotNow: 409,
    TooMany: 429,
    OptionError: 422,
    SourceError: 415,
}
_CONFLICT = 409  # what else the line cannot do, such as write to a full disk


class Refusal(BaseModel):
    """Why a request was not granted, in one line."""

    model_config = ConfigDict(extra="forbid")

    error: str


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return what OpenAPI shall say of these answers, besides those that may come anywhere."""
    return {status: {"model": Refusal} for status in (401, 403, 413, 422, *statuses)}


def status_of(error: HsiError) -> int:
    """Return the HTTP status of a fault."""
    return next((n for kind, n in _STATUS.items() if isinstance(error, kind)), _CONFLICT)


def line_of(error: Exception) -> str:
    """Return one line without credentials."""
    if isinstance(error, RequestValidationError):
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        return f"{where}: {first['msg']}: see /api/v1/openapi.json"
    return " ".join(redact_words(str(error)).split())


async def refused(request: Request, error: Exception) -> JSONResponse:
    """Answer with a fault of the line or of the request."""
    status = status_of(error) if isinstance(error, HsiError) else 422
    return JSONResponse({"error": line_of(error)}, status_code=status)


async def failed(request: Request, error: Exception) -> JSONResponse:
    """Answer where the fault is ours. The log has it; the line goes on."""
    note_fault(request.url.path, error)
    text = f"internal fault: {type(error).__name__}: run with -vv and report it"
    return JSONResponse({"error": text}, status_code=500)


def note_fault(where: str, error: Exception) -> None:
    """Log a fault of ours in one line."""
    logger.warning("control page: %s: %s: %s", where, type(error).__name__, line_of(error))
    logger.debug("fault", exc_info=error)


async def not_routed(request: Request, error: Exception) -> JSONResponse:
    """Answer where nothing is, or not for this method."""
    assert isinstance(error, HTTPException)
    text = f"{request.url.path}: {error.detail}: see /api/v1/openapi.json"
    return JSONResponse({"error": text}, status_code=error.status_code, headers=error.headers)
