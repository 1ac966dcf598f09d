"""Variants of a stylizer that were made and judged, and those worth keeping."""

from dataclasses import dataclass

import onnx

from hsi.calibrate.finer_layers import NONE_FINER, FinerLayers
from hsi.calibrate.gate_result import GateResult
from hsi.calibrate.trial import Trial


@dataclass(frozen=True, kw_only=True, eq=False)
class StylizerVariant:
    """A graph of lower precision and what the gate says of it."""

    precision: str
    model: onnx.ModelProto
    results: tuple[GateResult, ...]  # one per engine
    finer: FinerLayers = NONE_FINER

    @property
    def passed(self) -> bool:
        """Whether it is good enough on every engine."""
        return all(result.passed for result in self.results)


@dataclass(frozen=True, kw_only=True, eq=False)
class VariantSet:
    """All variants of one export."""

    variants: tuple[StylizerVariant, ...] = ()
    trials: tuple[Trial, ...] = ()  # of `auto`; none where a precision was asked for

    @property
    def kept(self) -> tuple[StylizerVariant, ...]:
        """Those that are good enough and, of `auto`, the one that was taken."""
        taken = {trial.precision for trial in self.trials if trial.taken}
        good = (one for one in self.variants if one.passed)
        return tuple(one for one in good if not self.trials or one.precision in taken)

    @property
    def results(self) -> tuple[GateResult, ...]:
        """The verdicts, one for each variant and engine."""
        return tuple(result for variant in self.variants for result in variant.results)
