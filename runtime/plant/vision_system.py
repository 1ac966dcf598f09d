"""The nodes of a line: a vision system after OPC 40100-1, and what that does not have."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from asyncua import Node, Server, ua
from asyncua.server.event_generator import EventGenerator

from hsi.runtime.event import Event
from hsi.runtime.plant.node_values import NodeValues
from hsi.runtime.plant.recipe_nodes import RecipeNodes
from hsi.runtime.plant.vision_state import AutomaticState, VisionState, vision_state
from hsi.runtime.plant.vision_types import install_types
from hsi.runtime.run_status import RunStatus

Choose = Callable[[str], Awaitable[int]]
Change = Callable[[float], Awaitable[int]]

_SEVERITY, _QUIET = 500, 100  # of 1000


class VisionSystem:
    """A line in the address space of a server.

    Args:
        server: That is set up, and not started yet.
        choose: Sets a recipe by its name; returns 0, or an error below 0.
        strength: Sets the strength likewise.
        stability: Sets the stability likewise.
    """

    def __init__(self, server: Server, choose: Choose, strength: Change, stability: Change) -> None:
        self._server = server
        self._choose = choose
        self._changes = {"SetStrength": strength, "SetStability": stability}
        self._values = NodeValues()
        self._state: tuple[VisionState, AutomaticState | None] | None = None
        self._cameras: list[Node] = []

    async def install(self) -> None:
        """Add everything that does not depend on the run."""
        self._types = types = await install_types(self._server)
        objects = self._server.nodes.objects
        self._node = await objects.add_object(
            types.any_id, types.name("VisionSystem"), types.system
        )
        name = types.name("VisionStateMachine")
        self._machine = await self._node.add_object(types.any_id, name, types.machine, False)
        name = types.name("AutomaticModeStateMachine")
        self._automatic = await self._machine.add_object(types.any_id, name, types.automatic, False)
        self._recipes = RecipeNodes(types, self._node, self._choose, self._values)
        await self._recipes.install()
        self._line = await self._node.add_object(types.own, "Line")
        for method, change in self._changes.items():
            await self._line.add_method(
                types.own,
                method,
                _method_of(change),
                [ua.VariantType.Double],
                [ua.VariantType.Int32],
            )
        self._events: EventGenerator = await self._server.get_event_generator(
            ua.ObjectIds.BaseEventType, self._node.nodeid
        )
        await self.enter(VisionState.Preoperational, None)

    async def begin(self, status: RunStatus, recipes: Mapping[str, str]) -> None:
        """Add what the run has: recipes and cameras."""
        await self._recipes.offer(recipes)
        folder = await self._line.add_folder(self._types.own, "Cameras")
        for number in range(1, len(status.cameras) + 1):
            self._cameras.append(await folder.add_object(self._types.own, str(number)))
        await self.show(status)

    async def show(self, status: RunStatus) -> None:
        """Write how things stand, as far as it has changed."""
        await self.enter(*vision_state(status))
        await self._recipes.mark([word for word, _ in status.styles])
        for name in ("style", "strength", "stability", "engine", "precision", "model"):
            await self._set(self._line, name, getattr(status, name))
        for node, camera in zip(self._cameras, status.cameras, strict=True):
            infer = camera.stages.get("infer")
            values = {
                "address": camera.name,
                "state": camera.state.value,
                "captured": camera.captured,
                "shown": camera.shown,
                "dropped": sum(camera.dropped.values()),
                "shown_fps": float(camera.shown_fps),
                "infer_p95_ms": 0.0 if infer is None else infer.p95_ms,
                "reconnects": camera.reconnects,
                "resolution": camera.resolution,
            }
            for name, value in values.items():
                await self._set(node, name, value)

    async def enter(self, state: VisionState, automatic: AutomaticState | None) -> None:
        """Write the states, if they have changed."""
        if (state, automatic) == self._state:
            return
        self._state = (state, automatic)
        await self._write_state(self._machine, state)
        await self._write_state(self._automatic, automatic)

    async def tell(self, event: Event) -> None:
        """Fire an event of the vision system."""
        self._events.event.Severity = _SEVERITY if event.level >= logging.WARNING else _QUIET
        await self._events.trigger(message=str(event))

    async def _write_state(self, machine: Node, state: VisionState | AutomaticState | None) -> None:
        current = await machine.get_child("0:CurrentState")
        identity = await current.get_child("0:Id")
        if state is None:
            none = ua.DataValue(
                StatusCode=ua.StatusCode(ua.UInt32(ua.StatusCodes.BadStateNotActive))
            )
            await current.write_value(none)
            await identity.write_value(none)
            return
        await current.write_value(ua.LocalizedText(state.name, "en"))
        await identity.write_value(ua.Variant(self._types.states[state], ua.VariantType.NodeId))

    async def _set(self, parent: Node, name: str, value: Any) -> None:
        await self._values.write(parent, self._types.own, _camel(name), value)


def _camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))


def _method_of(change: Change) -> Callable[..., Awaitable[list[ua.Variant]]]:
    async def method(parent: ua.NodeId, value: ua.Variant) -> list[ua.Variant]:
        return [ua.Variant(await change(float(value.Value)), ua.VariantType.Int32)]

    return method
