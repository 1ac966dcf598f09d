"""What NVIDIA's own ONNX parser and builder say of our graphs, without a GPU.

    python tests/export/real_builder.py [BUNDLE ...]

builds every stylizer of bundles (default: the shipped one), at FP32, FP16 and INT8, and a graph
that breaks each rule of the lint and one that does not. The code that builds is the engine's own,
on the real bindings of TensorRT 11.4; parser and builder are TensorRT-RTX's, which PyPI has
(146 MB) and which builds ahead of time. What it builds is not run. Exit codes: 0 as expected, 1
not, 3 no wheels or no C compiler.
"""

from __future__ import annotations

import argparse
import importlib
import logging
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

import onnx

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT))

from hsi.calibrate.half import half  # noqa: E402
from hsi.calibrate.quantiser import alike  # noqa: E402
from hsi.runtime.bundle import Bundle, shipped_bundle  # noqa: E402
from hsi.runtime.errors import EngineError  # noqa: E402
from hsi.runtime.trt.build_progress import BuildProgress  # noqa: E402
from hsi.runtime.trt.builder import BuildCancelled, build_plan  # noqa: E402
from hsi.runtime.trt.options import TensorRtOptions  # noqa: E402
from hsi.runtime.trt.profile import Profile, profile_for  # noqa: E402
from tests.export.test_rules import RULES  # noqa: E402
from tests.runtime.trt.dump_surface import unpacked  # noqa: E402

WHEELS = ("tensorrt-cu13-bindings==11.4.0.106", "onnxruntime-ep-nv-tensorrt-rtx-cu13==0.5.0")
BINDINGS = "tensorrt_bindings"
LIBRARIES = {"libnvinfer": "libtensorrt_rtx", "libnvonnxparser": "libtensorrt_onnxparser_rtx"}
PLUGIN = "int initLibNvInferPlugins(void *logger, const char *space) { return 1; }\n"
FRAMES = profile_for((1, 720, 1280, 3), (156, 118))
# Rules of which this builder takes a graph that breaks them. They stand for older versions, for
# what TensorRT documents, and for graphs that would be taken and computed wrongly.
TAKEN = frozenset(
    (
        "newest opset",
        "oldest opset",
        "ir version",
        "node names",
        "operator",
        "domain",
        "shape of uint8",
        "uint8 to an integer",
        "uint8 out of range",
        "resize mode",
        "unsigned by default",
        "computed zero point",
        "computed scale",
        "scales of an activation",
        "readers of levels",
    )
)


def prepare(folder: Path) -> bool:
    """Unpack the wheels, and lend the builder the names that the bindings look for."""
    if shutil.which("gcc") is None:
        print("there is no C compiler", file=sys.stderr)
        return False
    if not unpacked(WHEELS, folder):
        return False
    found = {path.name.partition(".so")[0]: path for path in folder.glob("onnx*/lib*.so*")}
    nothing, plugin = folder / "nothing.c", folder / "plugin.c"
    nothing.write_text("int hsi_nothing;\n")
    plugin.write_text(PLUGIN)
    for name, real in LIBRARIES.items():
        link = folder / f"{real}.so.1"
        link.symlink_to(found[real])
        _compile(folder / f"{name}.so.11", nothing, "-Wl,--no-as-needed", str(link))
    _compile(folder / "libnvinfer_plugin.so.11", plugin)
    return True


def refusal(trt: Any, model: onnx.ModelProto, profile: Profile) -> str:
    """Why a graph is not built; "" if it is."""
    inputs = {
        value.name: tuple(d.dim_param or d.dim_value for d in value.type.tensor_type.shape.dim)
        for value in model.graph.input
    }
    with BuildProgress("", threading.Event()) as progress:
        try:
            build_plan(trt, model.SerializeToString(), inputs, profile, TensorRtOptions(), progress)
        except EngineError as error:
            return str(error)
    return ""


def judge_bundle(trt: Any, path: Path) -> bool:
    """Build a bundle's stylizer at every precision; say what came of it."""
    bundle, good = Bundle(path), True
    base = onnx.load_from_string(bundle.read(bundle.manifest.part("stylizer.onnx").name))
    graphs = {
        "fp32": base,
        "fp16": half(base),
        "int8": alike(base),
    }
    for precision, model in graphs.items():
        why = refusal(trt, model, FRAMES)
        print(f"{path.name} {precision}: {why or 'built'}")
        good &= not why
    return good


def judge_cancelling(trt: Any, path: Path) -> bool:
    """Let a build be cancelled at its first step."""
    graph = Bundle(path).manifest.stylizer
    cancel, ended = threading.Event(), False
    cancel.set()
    with BuildProgress("", cancel) as progress:
        try:
            build_plan(
                trt,
                Bundle(path).read(graph.part),
                {one.name: one.shape for one in graph.inputs},
                FRAMES,
                TensorRtOptions(),
                progress,
            )
        except BuildCancelled:
            ended = True
    print(f"cancelled: {'ended' if ended else 'built all the same'}")
    return ended


def judge_rules(trt: Any) -> bool:
    """Build the graphs of every rule; say where the verdict is not the one expected."""
    good, profile = True, profile_for((1, 32, 32, 3), (16, 16))
    for rule, (broken, kept, _) in RULES.items():
        verdict = "refused" if refusal(trt, broken, profile) else "taken"
        expected = "taken" if rule in TAKEN else "refused"
        why = refusal(trt, kept, profile)
        print(f"rule {rule}: broken {verdict}, kept {why or 'taken'}")
        good &= verdict == expected and not why
    return good


def _compile(library: Path, source: Path, *more: str) -> None:
    words = ["gcc", "-shared", "-fPIC", f"-Wl,-soname,{library.name}", "-o", str(library)]
    subprocess.run([*words, str(source), *more], check=True)


def main() -> int:
    """Prepare, then judge in a process that finds the libraries."""
    parser = argparse.ArgumentParser(description="Build graphs with NVIDIA's own builder.")
    parser.add_argument("bundles", nargs="*", type=Path, help="default: the shipped one")
    parser.add_argument("--prepared", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.prepared:
        logging.disable(logging.CRITICAL)  # the builder misses a driver, and says so
        trt = importlib.import_module(BINDINGS)
        bundles = [judge_bundle(trt, path) for path in args.bundles or [shipped_bundle()]]
        good = (*bundles, judge_cancelling(trt, shipped_bundle()), judge_rules(trt))
        return 0 if all(good) else 1
    with tempfile.TemporaryDirectory() as name:
        if not prepare(Path(name)):
            return 3
        settings = {**os.environ, "PYTHONPATH": name, "LD_LIBRARY_PATH": name}
        command = [sys.executable, __file__, "--prepared", *map(str, args.bundles)]
        return subprocess.run(command, env=settings, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
