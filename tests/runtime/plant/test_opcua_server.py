"""A line seen by a real OPC UA client, with the shipped bundle."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from asyncua import Client, Node, ua
from asyncua.ua.uaerrors import UaStatusCodeError

from hsi.runtime.errors import OutputError
from hsi.runtime.plant.opcua_options import OpcUaOptions
from hsi.runtime.plant.vision_types import OWN_URI, URI

LivePlays = Callable[..., Any]
Wait = Callable[[Callable[[], object]], None]
PATIENCE_S = 30  # of the client, with requests and with a connection that says nothing


class Plc:
    """A client that finds its way by browse names."""

    def __init__(self, client: Client, standard: int, own: int) -> None:
        self.client = client
        self.standard = standard
        self.own = own

    async def node(self, *names: str) -> Node:
        """A node below the vision system; names of the line itself begin with a dot."""
        path = [
            f"{self.own}:{name[1:]}"
            if name.startswith(".")
            else name
            if ":" in name
            else f"{self.standard}:{name}"
            for name in ("VisionSystem", *names)
        ]
        return await self.client.nodes.objects.get_child(path)

    async def read(self, *names: str) -> Any:
        return await (await self.node(*names)).read_value()

    async def call(self, parent: tuple[str, ...], method: str, *words: Any) -> Any:
        found = await self.node(*parent)
        return await found.call_method((await self.node(*parent, method)).nodeid, *words)

    async def state(self) -> str:
        return str((await self.read("VisionStateMachine", "0:CurrentState")).Text)

    async def until(self, true: Callable[[], Awaitable[object]]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not await true():
            assert time.monotonic() < deadline
            await asyncio.sleep(0.05)


class Ears:
    """Notes the events of a subscription, and no changes of values."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def event_notification(self, event: Any) -> None:
        self.heard.append(event.Message.Text)

    def datachange_notification(self, node: Node, value: Any, data: Any) -> None:
        pass


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def line(live_play: LivePlays, port: int) -> Any:
    """A line with an OPC UA server."""
    return live_play(attachments=(OpcUaOptions(port=port),))


@pytest.fixture
def visit(port: int) -> Callable[[Callable[[Plc], Awaitable[None]]], None]:
    """Connect a client, and let it do something."""

    async def visited(do: Callable[[Plc], Awaitable[None]]) -> None:
        async with Client(f"opc.tcp://127.0.0.1:{port}", PATIENCE_S, PATIENCE_S) as client:
            standard, own = [await client.get_namespace_index(uri) for uri in (URI, OWN_URI)]
            await client.load_data_type_definitions()
            await do(Plc(client, standard, own))

    return lambda do: asyncio.run(visited(do))


def test_a_line_shows_its_states_and_cameras_takes_recipes_and_tells_events(
    line: Any, visit: Any
) -> None:
    async def do(plc: Plc) -> None:
        await plc.until(lambda: _is_executing(plc))
        identity = await plc.read("VisionStateMachine", "0:CurrentState", "0:Id")
        number = await (await plc.client.get_node(identity).get_child("0:StateNumber")).read_value()
        assert (await plc.state(), number) == ("Operational", 4)

        names = [
            (await one.read_browse_name()).Name
            for one in await (await plc.node("RecipeManagement", "Recipes")).get_children()
        ]
        assert names[0] == "composition-vii"
        recipe = ("RecipeManagement", "Recipes", "great-wave")
        assert await plc.read(*recipe, "IsPrepared") is False

        ears = Ears()
        subscription = await plc.client.create_subscription(50, ears)
        await subscription.subscribe_events(await plc.node())
        assert await plc.call(recipe, "Prepare") == [True, 0]
        await plc.until(lambda: _heard(ears, "style: style changed: great-wave"))
        assert await plc.read(*recipe, "IsPrepared") is True
        assert await plc.read(".Line", ".Style") == "great-wave"

        # Made by the client, from what the server tells of its types.
        external_id, internal_id = [
            getattr(ua, f"RecipeId{kind}DataType") for kind in ("External", "Internal")
        ]
        external = external_id(Id="the-scream")
        internal = internal_id(Id=None)
        prepared, completed, error = await plc.call(
            ("RecipeManagement",), "PrepareRecipe", external, internal
        )
        assert (prepared.Id, completed, error) == ("the-scream", True, 0)
        assert line.live.status().style == "the-scream"

        external = external_id(Id="/etc/passwd")
        _, completed, error = await plc.call(
            ("RecipeManagement",), "PrepareRecipe", external, internal
        )
        assert (completed, error) == (False, -1)
        assert await plc.call(recipe, "Unprepare") == -2

        assert await plc.call((".Line",), ".SetStrength", 0.25) == 0
        assert await plc.call((".Line",), ".SetStrength", 1.5) == -3
        assert await plc.read(".Line", ".Strength") == line.live.status().strength == 0.25
        camera = (".Line", ".Cameras", ".1")
        assert await plc.read(*camera, ".Address") == "test://96x64@30"
        assert await plc.read(*camera, ".Shown") > 0
        with pytest.raises(UaStatusCodeError):
            await (await plc.node(*camera, ".Shown")).write_value(0)

    visit(do)


async def _heard(ears: Ears, text: str) -> bool:
    return text in ears.heard


async def _is_executing(plc: Plc) -> bool:
    try:
        state = await plc.read("VisionStateMachine", "AutomaticModeStateMachine", "0:CurrentState")
    except UaStatusCodeError:  # of no state while it is not operational
        return False
    return bool(state.Text == "ContinuousExecution")


def test_a_client_that_is_gone_is_not_noticed_by_the_line(
    line: Any, port: int, visit: Any, wait: Wait, caplog: pytest.LogCaptureFixture
) -> None:
    async def hold(plc: Plc) -> None:
        await plc.until(lambda: _is_executing(plc))
        subscription = await plc.client.create_subscription(50, Ears())
        shown = await plc.node(".Line", ".Cameras", ".1", ".Shown")
        await subscription.subscribe_data_change(shown)
        # Without a word: as a cable that is pulled.
        connection: Any = plc.client.uaclient.protocol
        connection.transport.abort()
        raise ConnectionError("pulled")

    with pytest.raises(Exception, match=r"pulled|[Cc]onnection|closed"):
        visit(hold)
    with socket.create_connection(("127.0.0.1", port)) as nonsense:
        nonsense.sendall(b"GET / HTTP/1.1\r\n\r\n" * 100)
    before = line.live.status().cameras[0]

    wait(lambda: line.live.status().cameras[0].shown > before.shown + 10)

    after = line.live.status().cameras[0]
    assert after.stalls == after.losses == 0
    assert "Traceback" not in caplog.text
    visit(lambda plc: plc.until(lambda: _is_executing(plc)))  # the next one is served


def test_a_password_is_asked_for(port: int) -> None:
    async def objects_as(user: str | None, password: str) -> Any:
        client = Client(f"opc.tcp://127.0.0.1:{port}", PATIENCE_S)
        if user is not None:
            client.set_user(user)
            client.set_password(password)
        async with client:
            return await client.nodes.objects.get_children()

    with OpcUaOptions(port=port, user="plc", password="s3cret").open():
        for wrong in ((None, ""), ("plc", "secret"), ("plc", "")):
            with pytest.raises((UaStatusCodeError, ConnectionError), match=r"."):
                asyncio.run(objects_as(*wrong))
        assert asyncio.run(objects_as("plc", "s3cret"))


def test_a_port_that_is_taken_is_one_line(caplog: pytest.LogCaptureFixture) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        options = OpcUaOptions(port=taken.getsockname()[1])
        with pytest.raises(OutputError, match=r"cannot listen there: .*choose another"):
            options.open()
    assert caplog.text == ""
