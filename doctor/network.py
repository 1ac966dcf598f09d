"""Settings of the network that cameras depend on."""

from __future__ import annotations

from collections.abc import Iterator

from hsi.doctor.finding import Finding, note, ok, warning
from hsi.doctor.machine import Machine

# A key frame of a 4K camera at 20 Mbit/s comes as a burst of one to two MB.
_RECEIVE_BYTES = 2 << 20
_JUMBO = 9000
_STRICT = "1"
_GIGABIT = 1000


def network(machine: Machine) -> Iterator[Finding]:
    """What cameras over UDP and GigE Vision need."""
    yield from _receive_buffer(machine)
    wired = _wired(machine)
    for name in wired:
        yield _interface(machine, name)
    yield from _reverse_path(machine, wired)


def _receive_buffer(machine: Machine) -> Iterator[Finding]:
    found = machine.number("proc/sys/net/core/rmem_max")
    if found is None:
        return
    if found >= _RECEIVE_BYTES:
        yield ok("network buffer", f"a socket may hold {found >> 10} KiB (rmem_max)")
        return
    yield warning(
        "network buffer",
        f"a socket may hold {found >> 10} KiB (rmem_max): the burst of a key frame over UDP or "
        "GigE Vision does not fit, and pictures come damaged",
        "run sudo sysctl -w net.core.rmem_max=33554432, and write the same into "
        "/etc/sysctl.d/90-cameras.conf; or take TCP (--transport tcp)",
    )


def _wired(machine: Machine) -> list[str]:
    """Network cards with a cable or a radio, that are up."""
    return [
        one.name
        for one in machine.entries("sys/class/net")
        if (one / "device").exists() and (machine.text(f"sys/class/net/{one.name}/carrier") == "1")
    ]


def _interface(machine: Machine, name: str) -> Finding:
    subject = f"network {name}"
    mtu = machine.number(f"sys/class/net/{name}/mtu") or 0
    speed = machine.number(f"sys/class/net/{name}/speed") or -1  # virtual cards know none
    if 0 < speed < _GIGABIT:
        return warning(
            subject,
            f"runs at {speed} Mbit/s: two to five H.264 cameras, and no GigE Vision",
            "take a cable of category 5e or better and a gigabit port; ethtool tells both sides",
        )
    if mtu < _JUMBO:
        return note(
            subject,
            f"packets of {mtu} bytes at most: GigE Vision cameras want jumbo frames, RTSP "
            "does not care",
            f"where the camera and every switch take it: sudo ip link set {name} mtu {_JUMBO}",
        )
    return ok(subject, f"packets of {mtu} bytes")


def _reverse_path(machine: Machine, wired: list[str]) -> Iterator[Finding]:
    """With several cards, strict filtering drops answers of cameras that came in by another."""
    strict = [
        name
        for name in ("all", *wired)
        if machine.text(f"proc/sys/net/ipv4/conf/{name}/rp_filter") == _STRICT
    ]
    if len(wired) > 1 and strict:
        yield warning(
            "network routes",
            f"reverse path filtering is strict ({', '.join(strict)}): with {len(wired)} network "
            "cards, cameras' answers to a search are dropped",
            "run sudo sysctl -w "
            + " ".join(f"net.ipv4.conf.{name}.rp_filter=2" for name in strict),
        )
