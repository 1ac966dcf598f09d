"""One examination: everything that is looked at, in the order it is read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from hsi.doctor.bundles import bundle_of, whole_bundles
from hsi.doctor.cameras import cameras, genicam_cameras
from hsi.doctor.clocks import clocks
from hsi.doctor.engines import engines
from hsi.doctor.extras import extras, window
from hsi.doctor.finding import Finding, Level, fault
from hsi.doctor.gpu import gpu
from hsi.doctor.libraries import libraries
from hsi.doctor.machine import Machine
from hsi.doctor.network import network
from hsi.doctor.processor import processor
from hsi.doctor.storage import folder, shared_memory


def examine(
    *, bundle: Path | None = None, output: Path = Path(), machine: Machine | None = None
) -> Iterator[Finding]:
    """Look at a machine.

    Args:
        bundle: A `.hsi` file to test; None for the shipped one.
        output: The folder that results shall go to.
        machine: Where the kernel tells of itself; None for this machine.

    Yields:
        Findings, as they are made. A check that fails itself is a fault among them: no exception
        leaves this.
    """
    machine = machine or Machine()
    base = list(_guarded("libraries", libraries))
    yield from base
    graphics = list(_guarded("gpu", lambda: gpu(machine)))
    yield from graphics
    if not any(finding.level is Level.FAULT for finding in base):
        yield from _guarded("bundle", lambda: _bundle_and_engines(bundle, graphics[-1], machine))
        yield from _guarded("cameras", lambda: cameras(machine))
        yield from _guarded("cameras", genicam_cameras)
        yield from _guarded("window", window)
    yield from _guarded("network", lambda: network(machine))
    yield from _guarded("output folder", lambda: folder(output))
    yield from _guarded("shared memory", lambda: shared_memory(machine))
    yield from _guarded("clock", lambda: clocks(machine))
    yield from _guarded("processor", lambda: processor(machine))
    yield from _guarded("extras", extras)


def _bundle_and_engines(path: Path | None, gpu: Finding, machine: Machine) -> Iterator[Finding]:
    found, finding = bundle_of(path)
    yield finding
    for whole in whole_bundles(found):
        yield from engines(whole, gpu=gpu, machine=machine)


def _guarded(subject: str, check: Callable[[], Iterable[Finding]]) -> Iterator[Finding]:
    try:
        yield from check()
    except Exception as error:  # a machine odd enough to break a check is what this is for
        yield fault(
            subject,
            f"could not be examined: {type(error).__name__}: {error}",
            "report it, with the output of hsi-doctor --json",
        )
