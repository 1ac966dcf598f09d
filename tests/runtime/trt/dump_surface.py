"""What the real bindings of TensorRT and CUDA offer: names, parameters, values of enumerations.

    python tests/runtime/trt/dump_surface.py           writes surfaces/*.json
    python tests/runtime/trt/dump_surface.py --check   tells whether they are still what pip brings

The wheels come from PyPI, as pip finds them for this Python. No library of NVIDIA's is needed and
no GPU: TensorRT's bindings ask nine functions of their libraries, and a stub has all nine. Names
alone are read; nothing is made. Exit codes: 0 done, 1 a surface differs, 3 no wheels
or no C compiler.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

SURFACES = Path(__file__).parent / "surfaces"
# Distributions to unpack, and the module to look into; the first names the version.
TENSORRT = "tensorrt_bindings"
CUDA = "cuda.bindings.runtime"
WHEELS = {
    "tensorrt-10.3.0": (("tensorrt-cu12-bindings==10.3.0",), TENSORRT),
    "tensorrt-10.16.1": (("tensorrt-cu12-bindings==10.16.1.11",), TENSORRT),
    "tensorrt-11.4.0": (("tensorrt-cu13-bindings==11.4.0.106",), TENSORRT),
    "cuda-12.9.6": (("cuda-bindings==12.9.6", "cuda-pathfinder==1.5.0"), CUDA),
    "cuda-13.4.4": (("cuda-bindings==13.4.4", "cuda-pathfinder==1.5.0"), CUDA),
}
SYMBOLS = (
    "createInferBuilder_INTERNAL createInferRefitter_INTERNAL createInferRuntime_INTERNAL "
    "createNvOnnxParserRefitter_INTERNAL createNvOnnxParser_INTERNAL getBuilderPluginRegistry "
    "getNvOnnxParserVersion getPluginRegistry initLibNvInferPlugins"
).split()
# What builds and runs an engine. A thousand names of layers and plug-ins change and matter to none.
TENSORRT_NAMES = re.compile(
    r"Builder\w*|Runtime|Logger|ILogger|OnnxParser\w*|ParserError|Network\w*|INetworkDefinition|"
    r"ITensor|IBuilderConfig|IOptimizationProfile|IProgressMonitor|ITimingCache|IHostMemory|"
    r"ICudaEngine|IExecutionContext|ExecutionContext\w*|TensorIOMode|DataType|MemoryPoolType|"
    r"HardwareCompatibilityLevel|ProfilingVerbosity|EngineInspector|LayerInformationFormat|"
    r"TacticSource|PreviewFeature|EngineCapability|DeviceType|TensorFormat|TensorLocation|"
    r"init_libnvinfer_plugins|get_plugin_registry|volume|nptype"
)
CUDA_NAMES = re.compile(
    r"cuda(Malloc(Host)?|Free(Host)?|HostAlloc|Memcpy(Async|Kind)?|MemGetInfo|SetDevice|"
    r"GetDevice(Count)?|GetError(Name|String)|Error_t|DeviceSynchronize|RuntimeGetVersion|"
    r"Stream(CreateWithFlags|Destroy|Synchronize|WaitEvent|BeginCapture|EndCapture|CaptureMode|"
    r"NonBlocking)|Event(CreateWithFlags|Record|Synchronize|Destroy|ElapsedTime|Create|"
    r"DisableTiming|Default)|Graph(Instantiate|Launch|Destroy|ExecDestroy))"
)
FIRST_LINE = re.compile(r"^(?:\d+\. )?(\w+)\((.*?)\)(?: -> .*)?$", re.MULTILINE)


def surface_of(module: Any, names: re.Pattern[str]) -> dict[str, Any]:
    """The names of a module that match, each with what a caller can get wrong about it."""
    found: dict[str, Any] = {"functions": {}, "enums": {}, "classes": {}, "values": []}
    for name in sorted(vars(module)):
        value = getattr(module, name)
        if not names.fullmatch(name):
            continue
        if isinstance(value, type) and hasattr(value, "__members__"):
            found["enums"][name] = _members(value)
        elif isinstance(value, type):
            found["classes"][name] = _class(value)
        elif callable(value):
            found["functions"][name] = parameters_of(value, name)
        else:
            found["values"].append(name)
    return found


def parameters_of(function: Any, name: str) -> list[list[str]]:
    """Parameters of each overload as its docstring lists them; ``=`` ends one with a default."""
    text = function.__doc__ or ""
    lines = [found[2] for found in FIRST_LINE.finditer(text) if found[1] == name]
    overloads = [list(map(_parameter, _split(line))) for line in lines if "*args" not in line]
    return [[one for one in each if one.rstrip("=") != "self"] for each in overloads]


def _class(cls: type) -> dict[str, Any]:
    told: dict[str, Any] = {
        "base": next((b.__name__ for b in cls.__mro__[1:] if b.__module__ == cls.__module__), None),
        "init": parameters_of(vars(cls).get("__init__"), "__init__"),
        "methods": {},
        "attributes": [],
        "enums": {},
    }
    for name in sorted(dir(cls)):
        value = getattr(cls, name)
        if name.startswith("_"):
            continue
        if isinstance(value, type) and hasattr(value, "__members__"):
            told["enums"][name] = _members(value)
        elif callable(value):
            told["methods"][name] = parameters_of(value, name)
        else:
            told["attributes"].append(name)
    return told


def _members(enumeration: Any) -> dict[str, int]:
    return {name: int(value) for name, value in sorted(enumeration.__members__.items())}


def _split(text: str) -> Iterator[str]:
    """The parts between commas that stand in no brackets."""
    depth, start = 0, 0
    for place, letter in enumerate(text):
        depth += (letter in "[(<") - (letter in "])>")
        if letter == "," and depth == 0:
            yield text[start:place]
            start = place + 1
    if text[start:].strip():
        yield text[start:]


def _parameter(text: str) -> str:
    head, default, _ = text.partition("=")
    words = head.partition(":")[0].split() if ":" in head else head.split()
    return words[-1] + ("=" if default else "")


def unpacked(requirements: tuple[str, ...], folder: Path) -> bool:
    """Install wheels into a folder of their own. Returns whether pip had them."""
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--only-binary=:all:"]
    command = [*pip, "--target", str(folder), "--disable-pip-version-check", *requirements]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"{' '.join(requirements)}: {done.stderr.strip().splitlines()[-1]}", file=sys.stderr)
    return done.returncode == 0


def _stub(folder: Path, major: str) -> None:
    source = folder / "stub.c"
    source.write_text("".join(f"void *{name}(void) {{ return 0; }}\n" for name in SYMBOLS))
    for library in ("nvinfer", "nvinfer_plugin", "nvonnxparser"):
        name = f"lib{library}.so.{major}"
        options = ["-shared", "-fPIC", f"-Wl,-soname,{name}", "-o", str(folder / name)]
        subprocess.run(["gcc", *options, str(source)], check=True)


def surface_from_wheels(title: str) -> dict[str, Any] | None:
    """Unpack wheels into a folder of their own and look into them there; None: pip has none."""
    requirements, module = WHEELS[title]
    if module == TENSORRT and shutil.which("gcc") is None:
        print(f"{title}: there is no C compiler for the stub", file=sys.stderr)
        return None
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if not unpacked(requirements, folder):
            return None
        if module == TENSORRT:
            _stub(folder, title.partition("-")[2].partition(".")[0])
        settings = {**os.environ, "PYTHONPATH": str(folder), "LD_LIBRARY_PATH": str(folder)}
        command = [sys.executable, __file__, "--module", module]
        done = subprocess.run(command, capture_output=True, text=True, env=settings, check=True)
    found = json.loads(done.stdout)
    return {"wheels": list(requirements), "module": module, **found}


def _text(surface: dict[str, Any]) -> str:
    return json.dumps(surface, indent=1, sort_keys=True) + "\n"


def _compared(title: str, check: bool) -> int:
    surface = surface_from_wheels(title)
    path = SURFACES / f"{title}.json"
    if surface is None:
        return 3
    if not check:
        path.write_text(_text(surface))
    elif not path.exists() or path.read_text() != _text(surface):
        print(f"{path.name}: the wheels differ from it: write it again", file=sys.stderr)
        return 1
    return 0


def main() -> int:
    """Write or check every surface, or print that of one module."""
    parser = argparse.ArgumentParser(description="Dump the surface of real bindings.")
    parser.add_argument("--check", action="store_true", help="write nothing, tell what differs")
    parser.add_argument("--module", help=argparse.SUPPRESS)
    parser.add_argument("titles", nargs="*", default=list(WHEELS), help="those to look at")
    args = parser.parse_args()
    if args.module:
        names = TENSORRT_NAMES if args.module == TENSORRT else CUDA_NAMES
        print(json.dumps(surface_of(importlib.import_module(args.module), names)))
        return 0
    return max(_compared(title, args.check) for title in args.titles)


if __name__ == "__main__":
    sys.exit(main())
