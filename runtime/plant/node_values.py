"""Variables of an OPC UA server that are written when they change, and only then."""

from __future__ import annotations

from typing import Any

from asyncua import Node, ua

_TYPES = {
    bool: ua.VariantType.Boolean,
    int: ua.VariantType.Int64,
    float: ua.VariantType.Double,
    str: ua.VariantType.String,
}


class NodeValues:
    """Variables below nodes, added when they are first written."""

    def __init__(self) -> None:
        self._nodes: dict[tuple[ua.NodeId, str], Node] = {}
        self._last: dict[tuple[ua.NodeId, str], Any] = {}

    async def write(self, parent: Node, namespace: int, name: str, value: Any) -> None:
        """Write a Boolean, Int64, Double or String.

        Args:
            parent: What the variable belongs to.
            namespace: Of its name.
            name: Of the variable.
            value: Of the same Python type each time.
        """
        key = (parent.nodeid, name)
        if key not in self._nodes:
            kind = _TYPES[type(value)]
            self._nodes[key] = await parent.add_variable(namespace, name, value, kind)
        elif self._last[key] != value:
            await self._nodes[key].write_value(ua.Variant(value, _TYPES[type(value)]))
        self._last[key] = value
