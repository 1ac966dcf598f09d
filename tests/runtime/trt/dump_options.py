"""Write down what TensorRT's providers in ONNX Runtime take, as their libraries name it.

Run as ``python tests/runtime/trt/dump_options.py``; it fetches two wheels of 400 MB in all.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

TARGET = Path(__file__).with_name("surfaces") / "provider_options.json"
WHEELS = {
    "onnxruntime-gpu==1.31.1": ("libonnxruntime_providers_tensorrt.so", "trt"),
    "onnxruntime-ep-nv-tensorrt-rtx-cu13==0.5.0": (
        "libonnxruntime_providers_nv_tensorrt_rtx.so",
        "nv",
    ),
}


def options_of(library: bytes, prefix: str) -> list[str]:
    """The texts of a library that are names of options."""
    found = re.findall(rb"\0(%s_[a-z][a-z0-9_]+)(?=\0)" % prefix.encode(), library)
    return sorted({name.decode() for name in found})


def dumped(wheel: str, library: str, prefix: str) -> list[str]:
    """The options that a wheel of PyPI's takes."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        subprocess.run([*command, "--only-binary=:all:", "--dest", folder, wheel], check=True)
        (path,) = Path(folder).iterdir()
        with zipfile.ZipFile(path) as files:
            (name,) = (one for one in files.namelist() if one.endswith(library))
            return options_of(files.read(name), prefix)


if __name__ == "__main__":
    found = {wheel: dumped(wheel, *told) for wheel, told in WHEELS.items()}
    TARGET.write_text(json.dumps(found, indent=1) + "\n")
