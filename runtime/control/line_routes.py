"""The API's part about the line as a whole."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body

from hsi.runtime.control.models import Happening, Settings, SettingsChange, Status
from hsi.runtime.control.refusal import refusals
from hsi.runtime.control.room import TheRoom

router = APIRouter(tags=["line"])


@router.get("/status")
def get_status(room: TheRoom) -> Status:
    """Where the line stands."""
    return room.desk.status(readers=room.readers)


@router.get("/settings")
def get_settings(room: TheRoom) -> Settings:
    """How the line stylises now."""
    return room.desk.settings()


@router.patch("/settings", responses=refusals(400, 404, 409, 415))
def change_settings(change: Annotated[SettingsChange, Body()], room: TheRoom) -> Settings:
    """Change how the line stylises from the next frame on: all that is given, or nothing."""
    return room.desk.change(change)


@router.get("/events")
def get_events(room: TheRoom) -> list[Happening]:
    """What happened last, oldest first."""
    return room.desk.events()
