"""The devices that OpenVINO computes on, and what it is told there."""

from dataclasses import dataclass
from typing import Any

from hsi.runtime.errors import EngineError


@dataclass(frozen=True, kw_only=True)
class OpenVinoDevice:
    """One kind of device. Named to OpenVINO it is what runs: its own choosing is not asked for."""

    engine: str  # as `--engine` calls it
    name: str  # as OpenVINO calls it; the second of a kind is `GPU.1`
    variants: tuple[str, ...]  # precisions of a bundle that it computes faster than FP32
    needs: str  # what is missing where OpenVINO does not find it

    def settings(self, threads: int, precision: str) -> dict[str, Any]:
        """What a graph is compiled with.

        Left alone, OpenVINO computes in bfloat16 or FP16 what the graph says in FP32, which no
        parity check would let pass. An NPU computes in FP16 whatever it is told, and older versions
        of its plug-in refuse to be told otherwise.

        Args:
            threads: Of the processor.
            precision: Of the graph.
        """
        told: dict[str, Any] = {"PERFORMANCE_HINT": "LATENCY"}
        if self.name == "CPU":
            told["INFERENCE_NUM_THREADS"] = threads
        if self.name != "NPU":
            is_half = precision == "fp16" and precision in self.variants
            told["INFERENCE_PRECISION_HINT"] = "f16" if is_half else "f32"
        return told

    def check_found(self, found: list[str]) -> None:
        """See that OpenVINO has such a device.

        Raises:
            EngineError: It has not.
        """
        if not any(map(self._is_one, found)):
            raise EngineError(
                f"engine {self.engine}: expected a device {self.name}, OpenVINO found "
                f"{', '.join(found) or 'none'}: {self.needs}, or ask for --engine auto"
            )

    def check_runs(self, running: list[str] | str) -> None:
        """See that a compiled graph runs here and nowhere else.

        Args:
            running: OpenVINO's ``EXECUTION_DEVICES`` of it.

        Raises:
            EngineError: It runs elsewhere, if only in part.
        """
        devices = [running] if isinstance(running, str) else running
        if not devices or not all(map(self._is_one, devices)):
            raise EngineError(
                f"engine {self.engine} was asked for but OpenVINO fell back to "
                f"{', '.join(devices) or 'no device'}: ask for --engine auto"
            )

    def _is_one(self, device: str) -> bool:
        return device.split(".")[0] == self.name


PROCESSOR = OpenVinoDevice(
    engine="openvino",
    name="CPU",
    variants=("int8",),
    needs="run pip install --force-reinstall openvino",
)
GRAPHICS = OpenVinoDevice(
    engine="openvino-gpu",
    name="GPU",
    variants=("int8", "fp16"),
    needs="install Intel's driver for computing (Debian, Ubuntu: intel-opencl-icd) and see that "
    "/dev/dri/renderD* may be read",
)
NEURAL = OpenVinoDevice(
    engine="openvino-npu",
    name="NPU",
    variants=("int8", "fp16"),
    needs="install Intel's NPU driver (github.com/intel/linux-npu-driver) and see that "
    "/dev/accel/accel0 may be read",
)
DEVICES = {device.engine: device for device in (PROCESSOR, GRAPHICS, NEURAL)}
