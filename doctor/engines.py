"""Which engines run a bundle here, and why the others do not."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from hsi.doctor.child import tried
from hsi.doctor.finding import Finding, Level, fault, note, ok
from hsi.doctor.libraries import version_of

_ONE_ONNXRUNTIME = (
    "run pip uninstall onnxruntime onnxruntime-gpu, then pip install 'hsi-edge[cpu]', or "
    "'hsi-edge[gpu]' on a machine with CUDA"
)
_OPENVINO_AGAIN = "run pip install --force-reinstall 'hsi-edge[openvino]'"
_CUDA = (
    "run pip install 'hsi-edge[gpu]' in an environment without onnxruntime, and see that CUDA 12 "
    "and cuDNN 9 are installed"
)
_TENSORRT = (
    "run pip install 'hsi-edge[tensorrt]' tensorrt; a Jetson has TensorRT from "
    "apt install python3-libnvinfer"
)


def engines(bundle: Path, *, device: bool) -> Iterator[Finding]:
    """Run the self-test of a bundle on every engine that is installed.

    Args:
        bundle: A bundle whose parts are whole.
        device: Whether there is an NVIDIA GPU.
    """
    yield from _two_onnxruntimes()
    found = [
        _engine("onnxruntime-cpu", "onnxruntime", bundle, _ONE_ONNXRUNTIME, extra="cpu"),
        _engine("openvino", "openvino", bundle, _OPENVINO_AGAIN, extra="openvino"),
    ]
    if device:
        found.append(_engine("onnxruntime-cuda", "onnxruntime", bundle, _CUDA, extra="gpu"))
    yield from found
    yield _tensorrt(device=device)
    if all(finding.level is not Level.OK for finding in found):
        yield fault(
            "engines",
            f"none runs {bundle.name} here",
            "run pip install 'hsi-edge[cpu]', or mend one of the engines above",
        )


def _two_onnxruntimes() -> Iterator[Finding]:
    plain, gpu = version_of("onnxruntime"), version_of("onnxruntime-gpu")
    if plain and gpu:
        yield fault(
            "onnxruntime",
            f"onnxruntime {plain} and onnxruntime-gpu {gpu} are both installed and overwrite each "
            "other's files",
            _ONE_ONNXRUNTIME,
        )


def _engine(name: str, library: str, bundle: Path, mend: str, *, extra: str) -> Finding:
    subject = f"engine {name}"
    if find_spec(library) is None:
        return note(subject, "not installed", f"run pip install 'hsi-edge[{extra}]'")
    told = tried("engine", name, library, str(bundle.resolve()))[-1]
    if "error" in told:
        return fault(subject, f"does not run: {told['error']}", mend)
    version = str(told["version"]).split("-")[0]  # OpenVINO's goes on with its commit
    return ok(
        subject,
        f"{library} {version} runs {bundle.name} at {told['precision'].upper()}; self-test passed, "
        f"opened in {told['load_ms']:.0f} ms, golden picture in {told['test_ms']:.0f} ms",
    )


def _tensorrt(*, device: bool) -> Finding:
    subject = "engine tensorrt"
    if not device:
        # Some versions end the process where there is no device: not so much as imported.
        return note(subject, "not tried: it needs an NVIDIA GPU")
    if find_spec("tensorrt") is None:
        return note(subject, "not installed", _TENSORRT)
    told = tried("tensorrt")[-1]
    if "error" in told:
        return fault(subject, f"does not load: {told['error']}", _TENSORRT)
    return ok(subject, f"tensorrt {told['version']} loads; plans are built when a stream asks")
