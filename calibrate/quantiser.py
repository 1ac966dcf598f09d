"""From frames and styles to INT8 graphs: which layers, and what each costs."""

from collections.abc import Callable, Collection, Sequence

import onnx

from hsi.calibrate.balance import balanced
from hsi.calibrate.gate import Gate, GateResult
from hsi.calibrate.graph_edit import convolutions
from hsi.calibrate.quantise import quantised
from hsi.calibrate.ranges import ActivationRanges, Sample, channel_peaks
from hsi.calibrate.stylizer_run import StylizerRun


class Quantiser:
    """INT8 versions of one float stylizer graph.

    Args:
        model: The float graph.
        samples: Frames with style codes to calibrate on, gone through twice.
        method: How ranges follow from them, one of :data:`hsi.calibrate.ranges.METHODS`.

    Raises:
        QualityError: There is no sample, or an activation is NaN or infinite.
        EngineError: The graph does not run.
        OptionError: The method is unknown.
    """

    def __init__(
        self, model: onnx.ModelProto, samples: Sequence[Sample], method: str = "percentile"
    ) -> None:
        self.layers = tuple(convolutions(model))
        self._even = balanced(model, channel_peaks(model, samples))
        self.ranges = ActivationRanges(self._even, samples)
        self._thresholds = self.ranges.thresholds(method)

    def graph(self, lifted: Collection[str] = ()) -> onnx.ModelProto:
        """The INT8 graph with some layers left in float.

        Raises:
            OptionError: A layer is none of the network's.
            QualityError: The graph breaks a rule of the engines.
        """
        return quantised(self._even, self._thresholds, lifted)

    def damage(self, gate: Gate) -> dict[str, float]:
        """What each layer does alone: mean squared error of 8-bit values, worst first.

        Raises:
            EngineError: A graph does not run.
        """
        found = {}
        for layer in self.layers:
            alone = self.graph([other for other in self.layers if other != layer])
            found[layer] = gate.mean_squared_error(StylizerRun(alone))
        return dict(sorted(found.items(), key=lambda item: -item[1]))

    def lifted_until_it_passes(
        self, gate: Gate, judge: Callable[[onnx.ModelProto], list[GateResult]]
    ) -> list[tuple[str, ...]]:
        """Sets of float layers, the worst layers first, up to the first set that passes.

        Args:
            gate: Tells what each layer costs.
            judge: The verdicts over a graph.

        Returns:
            The sets tried, from one layer on; the last passes unless every layer but one is lifted.
        """
        worst = list(self.damage(gate))
        tried = []
        for count in range(1, len(worst)):
            tried.append(tuple(worst[:count]))
            if all(one.passed for one in judge(self.graph(tried[-1]))):
                break
        return tried
