"""What could be installed beside, and a screen."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import metadata

from hsi.doctor.child import tried
from hsi.doctor.finding import Finding, note, ok
from hsi.doctor.libraries import version_of

# Those of who runs bundles. The engines' have findings of their own.
_WANTED = {
    "completion": "Tab completes no commands",
    "mqtt": "no status and commands over MQTT",
    "opcua": "no OPC UA server",
    "control": "no control page",
    "metrics": "no metrics for Prometheus",
}


def extras() -> Iterator[Finding]:
    """Which optional parts of this package miss a library."""
    needed = _requirements()
    for extra, without in _WANTED.items():
        missing = [name for name in needed.get(extra, ()) if version_of(name) is None]
        if missing:
            text = f"{without}: {', '.join(missing)} is not installed"
            yield note(extra, text, f"run pip install 'hsi-edge[{extra}]'")
        elif extra in needed:
            yield ok(extra, ", ".join(f"{name} {version_of(name)}" for name in needed[extra]))


def _requirements() -> dict[str, list[str]]:
    """Distributions by extra, as this package's own metadata says."""
    found: dict[str, list[str]] = {}
    for line in metadata.requires("hsi-edge") or ():
        name = re.match(r"[\w.-]+", line)
        extra = re.search(r"""extra\s*==\s*['"]([\w-]+)['"]""", line)
        if name and extra:
            found.setdefault(extra[1], []).append(name[0])
    return found


def window() -> Iterator[Finding]:
    """Whether a window can be opened."""
    told = tried("window")[-1]
    if "error" in told:
        yield note(
            "window",
            f"none can be opened ({told['error']}): hsi-run without -o writes a file",
            "run it from a desktop, or set DISPLAY; or watch in a browser (-o http://@:8080/)",
        )
    else:
        yield ok("window", "opens")
