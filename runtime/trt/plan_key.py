"""What a plan depends on: it fits one graph, one GPU, one version and one set of options."""

import hashlib
import json
from dataclasses import asdict, dataclass

from hsi.runtime.trt.device import Device
from hsi.runtime.trt.options import TensorRtOptions
from hsi.runtime.trt.profile import Profile

# Where another plan of the same graph and profile may differ.
MACHINE = ("tensorrt", "gpu", "compute_capability", "driver", "flags", "version_compatible")


@dataclass(frozen=True, kw_only=True)
class PlanKey:
    """Two plans of one key are alike."""

    graph: str  # SHA-256 of the ONNX file
    profile: str
    flags: str
    tensorrt: str
    gpu: str
    compute_capability: str
    driver: str
    version_compatible: bool

    @property
    def digest(self) -> str:
        """A name for files."""
        return hashlib.sha256(json.dumps(asdict(self)).encode()).hexdigest()[:32]

    @property
    def machine(self) -> str:
        """A name for what plans of one machine share: their timings."""
        parts = (self.tensorrt, self.gpu, self.compute_capability, self.driver)
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]

    def differences(self, other: "PlanKey") -> str:
        """What another plan of this graph and profile was built with, against this one."""
        told = (
            f"{name} {getattr(other, name)}, here {getattr(self, name)}"
            for name in MACHINE
            if getattr(self, name) != getattr(other, name)
        )
        return "; ".join(told)

    def takes(self, other: "PlanKey") -> bool:
        """Whether a plan of another key runs here: a version-compatible one of the major before."""
        if not self.version_compatible:
            return False
        newer = [int(part) for part in self.tensorrt.split(".")[:2]]
        older = [int(part) for part in other.tensorrt.split(".")[:2]]
        same = {**asdict(self), "tensorrt": ""} == {**asdict(other), "tensorrt": ""}
        return same and older <= newer and newer[0] - older[0] <= 1


def key_of(
    graph: bytes, profile: Profile, options: TensorRtOptions, version: str, device: Device
) -> PlanKey:
    """The key of a plan to be built here."""
    return PlanKey(
        graph=hashlib.sha256(graph).hexdigest(),
        profile=profile.to_text(),
        flags=_flags(options),
        tensorrt=version,
        gpu=device.name,
        compute_capability=device.compute_capability,
        driver=device.driver,
        version_compatible=options.version_compatible,
    )


def _flags(options: TensorRtOptions) -> str:
    tf32 = ", TF32" if options.tf32 else ""
    limit = "all" if options.workspace_mib is None else f"{options.workspace_mib} MiB"
    return f"workspace {limit}, level {options.optimization_level}{tf32}"
