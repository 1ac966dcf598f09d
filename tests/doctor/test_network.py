from __future__ import annotations

from collections.abc import Callable

import pytest

from hsi.doctor import Level, Machine
from hsi.doctor.network import network

MakeMachine = Callable[..., Machine]


def _card(name: str, **changes: str) -> dict[str, str]:
    values = {"device/vendor": "0x8086", "carrier": "1", "mtu": "9000", "speed": "1000", **changes}
    return {f"sys/class/net/{name}/{key}": text for key, text in values.items()}


def test_a_machine_set_up_for_cameras_is_fine(make_machine: MakeMachine) -> None:
    machine = make_machine({**_card("eth0"), "proc/sys/net/core/rmem_max": "33554432"})

    assert {found.level for found in network(machine)} == {Level.OK}


def test_small_receive_buffers_are_warned_of(make_machine: MakeMachine) -> None:
    (found,) = network(make_machine({"proc/sys/net/core/rmem_max": "212992"}))

    assert (found.level, found.subject) == (Level.WARNING, "network buffer")
    assert "a socket may hold 208 KiB" in found.text
    assert "sysctl -w net.core.rmem_max=33554432" in found.mend


@pytest.mark.parametrize(
    ("changes", "level", "text"),
    [
        ({"mtu": "1500"}, Level.NOTE, "packets of 1500 bytes at most"),
        ({"speed": "100"}, Level.WARNING, "runs at 100 Mbit/s"),
        ({"speed": "-1"}, Level.OK, "packets of 9000 bytes"),
    ],
)
def test_a_card_is_judged_by_packets_and_speed(
    make_machine: MakeMachine, changes: dict[str, str], level: Level, text: str
) -> None:
    (found,) = network(make_machine(_card("eth0", **changes)))

    assert (found.level, found.subject) == (level, "network eth0")
    assert text in found.text


def test_cards_without_a_cable_and_bridges_are_left_out(make_machine: MakeMachine) -> None:
    bridge = {"sys/class/net/docker0/mtu": "1500", "sys/class/net/docker0/carrier": "1"}

    assert [*network(make_machine({**_card("eth0", carrier="0"), **bridge}))] == []


@pytest.mark.parametrize(("cards", "told"), [(("eth0",), False), (("eth0", "eth1"), True)])
def test_strict_reverse_paths_matter_with_two_cards(
    make_machine: MakeMachine, cards: tuple[str, ...], told: bool
) -> None:
    files = {"proc/sys/net/ipv4/conf/all/rp_filter": "1"}
    for card in cards:
        files |= _card(card)

    found = [one for one in network(make_machine(files)) if one.subject == "network routes"]

    assert bool(found) is told
    for one in found:
        assert one.mend == "run sudo sysctl -w net.ipv4.conf.all.rp_filter=2"
