"""Recipes of a vision system after OPC 40100-1: the styles of a line."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

from asyncua import Node, ua

from hsi.runtime.plant.node_values import NodeValues
from hsi.runtime.plant.vision_types import VisionTypes

NOT_POSSIBLE = -2  # application-specific errors are below 0 (OPC 40100-1, 7.5)

_INT, _BOOL = ua.VariantType.Int32, ua.VariantType.Boolean


class RecipeNodes:
    """RecipeManagement of a vision system, and one object for each recipe.

    Args:
        types: That the server has.
        system: The vision system.
        choose: Sets a recipe by its name; returns 0, or an error below 0.
        values: Writes variables.
    """

    def __init__(
        self,
        types: VisionTypes,
        system: Node,
        choose: Callable[[str], Awaitable[int]],
        values: NodeValues,
    ) -> None:
        self._types = types
        self._system = system
        self._choose = choose
        self._values = values
        self._recipes: dict[str, Node] = {}  # by what the line takes

    async def install(self) -> None:
        """Add the management, without recipes."""
        types = self._types
        node = await self._system.add_object(
            types.any_id, types.name("RecipeManagement"), types.management
        )
        await node.add_method(
            types.any_id,
            types.name("PrepareRecipe"),
            self._prepare_recipe,
            [types.external_id, types.internal_id],
            [types.internal_id, _BOOL, _INT],
        )
        self._folder = await node.add_folder(types.any_id, types.name("Recipes"))

    async def offer(self, recipes: Mapping[str, str]) -> None:
        """Add an object for each recipe; `recipes` is what the line takes, by name."""
        for name, word in sorted(recipes.items()):
            self._recipes[word] = await self._add(name)

    async def mark(self, in_use: Sequence[str]) -> None:
        """Write which recipes the line runs with, as words that it takes."""
        for word, node in self._recipes.items():
            await self._values.write(node, self._types.standard, "IsPrepared", word in in_use)

    async def _add(self, name: str) -> Node:
        types = self._types
        node = await self._folder.add_object(types.any_id, types.name(name), types.recipe)
        for field, value, kind in (
            ("ExternalId", types.external(Id=name), types.external_id),
            ("InternalId", types.internal(Id=name), types.internal_id),
        ):
            await node.add_property(types.any_id, types.name(field), value, datatype=kind)
        now = datetime.now(timezone.utc)
        await node.add_property(types.any_id, types.name("LastModified"), now)

        async def prepare(parent: ua.NodeId) -> list[ua.Variant]:
            return _result(await self._choose(name))

        async def unprepare(parent: ua.NodeId) -> list[ua.Variant]:
            return [ua.Variant(NOT_POSSIBLE, _INT)]  # a line always has a style

        await node.add_method(types.any_id, types.name("Prepare"), prepare, [], [_BOOL, _INT])
        await node.add_method(types.any_id, types.name("Unprepare"), unprepare, [], [_INT])
        return node

    async def _prepare_recipe(
        self, parent: ua.NodeId, external: ua.Variant, internal: ua.Variant
    ) -> list[ua.Variant]:
        """The internal id, where it says one, goes before the external one."""
        name = _id_of(internal.Value) or _id_of(external.Value) or ""
        error = await self._choose(name)
        found = self._types.internal(Id=name)
        return [ua.Variant(found, ua.VariantType.ExtensionObject), *_result(error)]


def _id_of(value: Any) -> str | None:
    found = getattr(value, "Id", None)
    return found if isinstance(found, str) else None


def _result(error: int) -> list[ua.Variant]:
    """IsCompleted and Error."""
    return [ua.Variant(error == 0, _BOOL), ua.Variant(error, _INT)]
