"""Types of OPC 40100-1 (Machine Vision) that a line is made of.

Browse names and state numbers are the standard's, node ids are not: its own node set is not loaded,
and what a line does not have is left out. Clients find nodes by their browse paths.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from asyncua import Node, Server, ua
from asyncua.common.structures104 import new_struct, new_struct_field

from hsi.runtime.plant.vision_state import AutomaticState, VisionState

URI = "http://opcfoundation.org/UA/MachineVision"  # of the names
OWN_URI = "urn:hsi-edge:line"  # of the node ids, and of names that the standard does not have

_EXTERNAL, _INTERNAL = "RecipeIdExternalDataType", "RecipeIdInternalDataType"


@dataclass(frozen=True, kw_only=True)
class VisionTypes:
    """The installed types, and the two namespaces."""

    standard: int  # index of URI
    own: int  # index of OWN_URI
    system: ua.NodeId
    machine: ua.NodeId
    automatic: ua.NodeId
    management: ua.NodeId
    recipe: ua.NodeId
    external_id: ua.NodeId  # of a structure
    internal_id: ua.NodeId  # likewise
    external: Callable[..., Any]  # makes such a structure
    internal: Callable[..., Any]  # likewise
    states: dict[VisionState | AutomaticState, ua.NodeId]

    @property
    def any_id(self) -> ua.NodeId:
        """Asks the server for an id of its own."""
        return any_id(self.own)

    def name(self, text: str) -> ua.QualifiedName:
        """A browse name of the standard."""
        return ua.QualifiedName(text, self.standard)


def any_id(namespace: int) -> ua.NodeId:
    """Asks the server for an id in this namespace."""
    return ua.NodeId(ua.Int32(0), ua.Int16(namespace))


async def install_types(server: Server) -> VisionTypes:
    """Add the types to a server."""
    standard, own = [await server.register_namespace(uri) for uri in (URI, OWN_URI)]

    async def add(parent: int, name: str) -> Node:
        qualified = ua.QualifiedName(name, standard)
        return await server.get_node(parent).add_object_type(any_id(own), qualified)

    machine = await add(ua.ObjectIds.FiniteStateMachineType, "VisionStateMachineType")
    automatic = await add(
        ua.ObjectIds.FiniteStateMachineType, "VisionAutomaticModeStateMachineType"
    )
    states = await _states(machine, VisionState, own, standard)
    ids = [
        await _structure(server, any_id(own), ua.QualifiedName(name, standard))
        for name in (_EXTERNAL, _INTERNAL)
    ]
    await server.load_data_type_definitions()
    return VisionTypes(
        standard=standard,
        own=own,
        system=(await add(ua.ObjectIds.BaseObjectType, "VisionSystemType")).nodeid,
        machine=machine.nodeid,
        automatic=automatic.nodeid,
        management=(await add(ua.ObjectIds.BaseObjectType, "RecipeManagementType")).nodeid,
        recipe=(await add(ua.ObjectIds.BaseObjectType, "RecipeType")).nodeid,
        external_id=ids[0],
        internal_id=ids[1],
        external=getattr(ua, _EXTERNAL),
        internal=getattr(ua, _INTERNAL),
        states={**states, **await _states(automatic, AutomaticState, own, standard)},
    )


async def _states(
    machine: Node, states: type[VisionState] | type[AutomaticState], own: int, standard: int
) -> dict[VisionState | AutomaticState, ua.NodeId]:
    found: dict[VisionState | AutomaticState, ua.NodeId] = {}
    for state in states:
        name = ua.QualifiedName(state.name, standard)
        node = await machine.add_object(any_id(own), name, ua.ObjectIds.StateType)
        number = await node.get_child("0:StateNumber")
        await number.write_value(ua.Variant(int(state), ua.VariantType.UInt32))
        found[state] = node.nodeid
    return found


async def _structure(server: Server, node: ua.NodeId, name: ua.QualifiedName) -> ua.NodeId:
    """Add one with the fields of BinaryIdBaseDataType (OPC 40100-1, 12.8)."""
    fields = [
        new_struct_field("Id", ua.VariantType.String),
        new_struct_field("Version", ua.VariantType.String, optional=True),
        new_struct_field("Hash", ua.VariantType.ByteString, optional=True),
        new_struct_field("Description", ua.VariantType.LocalizedText, optional=True),
    ]
    added, _ = await new_struct(server, node, name, fields)
    return added.nodeid
