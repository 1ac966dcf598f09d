"""Which engines run a bundle here, and why the others do not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from hsi.doctor.child import tried
from hsi.doctor.finding import Finding, Level, fault, note, ok
from hsi.doctor.intel import lack
from hsi.doctor.libraries import version_of
from hsi.doctor.machine import Machine

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
_ORT_TENSORRT = (
    "run pip install 'hsi-edge[gpu,tensorrt]' in an environment without onnxruntime, and put the "
    "libraries of TensorRT 10 where the loader finds them (LD_LIBRARY_PATH)"
)
_RTX = (
    "run pip install 'hsi-edge[rtx]' in an environment without onnxruntime-gpu; it needs an RTX 30 "
    "or newer and a driver for CUDA 13"
)
_PLUGIN = "onnxruntime_ep_nv_tensorrt_rtx"


def engines(bundle: Path, *, gpu: Finding, machine: Machine) -> Iterator[Finding]:
    """Run the self-test of a bundle on every engine that has what it needs.

    Engines that build for minutes are loaded alone.

    Args:
        bundle: A bundle whose parts are whole.
        gpu: What was found of the NVIDIA GPU.
        machine: Where the kernel tells of Intel's.
    """
    from hsi.runtime.engine import BUILT, ENGINES

    yield from _two_onnxruntimes()
    trials = _Trials(bundle=bundle, gpu=gpu, machine=machine)
    runs = False
    for name in ENGINES:
        if name != "auto":
            finding = _TRIALS[name](trials, name)
            runs = runs or (finding.level is Level.OK and name not in BUILT)
            yield finding
    if not runs:
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


@dataclass(frozen=True)
class _Trials:
    """Each engine tried in the way that suits it; the device comes before the library."""

    bundle: Path
    gpu: Finding
    machine: Machine

    def onnxruntime_cpu(self, name: str) -> Finding:
        return self._self_test(name, "onnxruntime", "cpu", _ONE_ONNXRUNTIME)

    def onnxruntime_cuda(self, name: str) -> Finding:
        return self._without_gpu(name) or self._self_test(name, "onnxruntime", "gpu", _CUDA)

    def openvino(self, name: str) -> Finding:
        return self._self_test(name, "openvino", "openvino", _OPENVINO_AGAIN)

    def openvino_device(self, name: str) -> Finding:
        from hsi.runtime.openvino_device import DEVICES

        device = DEVICES[name]
        told = self._openvino_devices
        if "error" in told:
            return note(f"engine {name}", f"cannot run: {told['error']}", _OPENVINO_AGAIN)
        names = {found.split(".")[0] for found in told.get("devices", ())}  # the second is `GPU.1`
        if names and device.name not in names:
            text, mend = lack(name, self.machine, device.needs)
            return note(f"engine {name}", f"cannot run: {text}", mend)
        return self._self_test(name, "openvino", "openvino", device.needs)

    def tensorrt(self, name: str) -> Finding:
        # Some versions end the process where there is no device: not so much as imported.
        return self._without_gpu(name) or self._loads(name, "tensorrt", _TENSORRT, fault)

    def onnxruntime_tensorrt(self, name: str) -> Finding:
        # The provider comes with CUDA's, TensorRT's libraries do not: that they lack is no fault.
        return self._without_gpu(name) or self._loads(name, "onnxruntime", _ORT_TENSORRT, note)

    def onnxruntime_rtx(self, name: str) -> Finding:
        return self._without_gpu(name) or self._loads(name, _PLUGIN, _RTX, fault)

    @cached_property
    def _openvino_devices(self) -> dict[str, Any]:
        return tried("openvino-devices")[-1] if find_spec("openvino") else {}

    def _without_gpu(self, name: str) -> Finding | None:
        if self.gpu.level is Level.OK:
            return None
        return note(f"engine {name}", f"cannot run: {self.gpu.text}", self.gpu.mend)

    def _self_test(self, name: str, library: str, extra: str, mend: str) -> Finding:
        subject = f"engine {name}"
        if find_spec(library) is None:
            return note(subject, "not installed", f"run pip install 'hsi-edge[{extra}]'")
        told = tried("engine", name, library, str(self.bundle.resolve()))[-1]
        if "error" in told:
            return fault(subject, f"does not run: {told['error']}", mend)
        version = str(told["version"]).split("-")[0]  # OpenVINO's goes on with its commit
        return ok(
            subject,
            f"{library} {version} runs {self.bundle.name} at {told['precision'].upper()}; "
            f"self-test passed, opened in {told['load_ms']:.0f} ms, golden picture in "
            f"{told['test_ms']:.0f} ms",
        )

    def _loads(
        self, name: str, library: str, mend: str, refused: Callable[[str, str, str], Finding]
    ) -> Finding:
        subject = f"engine {name}"
        if find_spec(library) is None:
            return note(subject, "not installed", mend)
        told = tried("built-engine", name)[-1]
        if "refused" in told:
            return refused(subject, f"does not load: {told['refused']}", mend)
        if "error" in told:
            return fault(subject, f"does not load: {told['error']}", mend)
        return ok(subject, f"{told['version']} loads; what it runs is built when a stream asks")


_TRIALS: dict[str, Callable[[_Trials, str], Finding]] = {
    "onnxruntime-cpu": _Trials.onnxruntime_cpu,
    "onnxruntime-cuda": _Trials.onnxruntime_cuda,
    "onnxruntime-rtx": _Trials.onnxruntime_rtx,
    "onnxruntime-tensorrt": _Trials.onnxruntime_tensorrt,
    "openvino": _Trials.openvino,
    "openvino-gpu": _Trials.openvino_device,
    "openvino-npu": _Trials.openvino_device,
    "tensorrt": _Trials.tensorrt,
}
