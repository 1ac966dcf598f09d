"""NVIDIA's plug-in for RTX cards in the real ONNX Runtime, without a card.

Run as ``python tests/runtime/trt/real_plugin.py``; it fetches the plug-in's wheel (146 MB), gives
it a driver that has no device, and opens the engine's provider twice. Exit codes: 0 where the
plug-in is loaded and registered and says both times that it finds no card, 1 where not, 3 without
the wheel or a C compiler.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
sys.path.append(str(ROOT))

from tests.runtime.trt.dump_surface import unpacked  # noqa: E402

WHEEL = "onnxruntime-ep-nv-tensorrt-rtx-cu13==0.5.0"
DRIVERS = ("libcuda.so.1", "libnvidia-ml.so.1")
WANTED = "expected a card that TensorRT-RTX takes (RTX 30 and newer), ONNX Runtime found none"
OPEN = """
from hsi.runtime.errors import EngineError
from hsi.runtime.trt.provider import RtxProvider
for _ in range(2):
    try:
        RtxProvider()
    except EngineError as error:
        print(error)
"""


def lend_driver(folder: Path) -> None:
    """Make libraries with all functions that the plug-in wants of the driver; each fails."""
    wanted: set[str] = set()
    for library in folder.glob("onnx*/*.so*"):
        command = ["nm", "-D", "--undefined-only", str(library)]
        told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        wanted |= {line.split()[-1].partition("@")[0] for line in told.splitlines()}
    of_driver = sorted(name for name in wanted if re.match("cu[A-Z]|nvml", name))
    source = folder / "driver.c"
    source.write_text("".join(f"int {name}(void) {{ return 100; }}\n" for name in of_driver))
    for name in DRIVERS:
        command = ["gcc", "-shared", "-fPIC", f"-Wl,-soname,{name}", "-o", str(folder / name)]
        subprocess.run([*command, str(source)], check=True)


def main() -> int:
    """Run it."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        if shutil.which("gcc") is None or not unpacked((WHEEL,), folder):
            print("there is no C compiler, or no wheel", file=sys.stderr)
            return 3
        lend_driver(folder)
        paths = {"LD_LIBRARY_PATH": str(folder), "PYTHONPATH": str(folder)}
        command = [sys.executable, "-c", OPEN]
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=120, env={**os.environ, **paths}
        )
    print(done.stdout + done.stderr, end="")
    return int(done.stdout.count(WANTED) != 2)


if __name__ == "__main__":
    sys.exit(main())
