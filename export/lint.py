"""Whether every graph of a bundle keeps the rules of the engine it is meant for."""

from collections.abc import Mapping
from dataclasses import dataclass

import onnx

from hsi.export.rules import broken_rules
from hsi.runtime.manifest import Manifest

# The rules of all engines are TensorRT's: what it takes, ONNX Runtime and OpenVINO take.
TARGETS = ("tensorrt",)


@dataclass(frozen=True, kw_only=True)
class Lint:
    """What the rules say of one graph."""

    part: str
    precision: str
    nodes: int
    broken: tuple[str, ...] = ()  # one line per broken rule, naming the node

    @property
    def passed(self) -> bool:
        """Whether no rule is broken."""
        return not self.broken

    def to_text(self) -> str:
        """The verdict in lines, the first naming the graph."""
        head = f"{self.part} ({self.precision}, {self.nodes} nodes)"
        if self.passed:
            return f"{head}: keeps every rule"
        lines = [f"{head}: BREAKS {len(self.broken)}", *(f"  {line}" for line in self.broken)]
        return "\n".join(lines)


def lint(manifest: Manifest, parts: Mapping[str, bytes]) -> tuple[Lint, ...]:
    """Hold every graph of a bundle against the rules.

    Args:
        manifest: Says which parts are graphs.
        parts: Bytes by name.
    """
    variants = (variant.graph for variant in manifest.variants)
    stylizers = (manifest.stylizer, manifest.stylizer_on_cpu, *variants)
    found = []
    for graph in {one.part: one for one in (manifest.style_encoder, *stylizers)}.values():
        model = onnx.load_from_string(parts[graph.part])
        found.append(
            Lint(
                part=graph.part,
                precision=graph.precision,
                nodes=len(model.graph.node),
                broken=tuple(broken_rules(model)),
            )
        )
    return tuple(found)
