"""From frames and styles to INT8 graphs: which layers, and what each costs."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

import onnx

from hsi.calibrate.balance import balanced
from hsi.calibrate.block_convolutions import without_block_moves
from hsi.calibrate.doubling import without_doubling
from hsi.calibrate.early_levels import with_early_levels
from hsi.calibrate.gate import Gate
from hsi.calibrate.gate_result import GateResult
from hsi.calibrate.graph_edit import convolutions
from hsi.calibrate.quantise import quantised, reads_pixels
from hsi.calibrate.quantised_rules import check_quantised
from hsi.calibrate.ranges import ActivationRanges, Sample, channel_ranges
from hsi.calibrate.short_sigmoid import with_short_sigmoids
from hsi.calibrate.stylizer_run import StylizerRun

PERCENTILES = (99.9, 99.97, 99.99, 99.999, 100.0)  # to choose from for the worst layers
TUNED_SHARE = 0.9  # of the damage


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
        # Pixels fit INT8 as they are, without loss: evened out, they would not.
        found = channel_ranges(model, samples)
        even = {
            k: found[k] for k, conv in convolutions(model).items() if not reads_pixels(model, conv)
        }
        self._even = with_short_sigmoids(without_doubling(balanced(model, even)))
        self.ranges = ActivationRanges(self._even, samples)
        self._thresholds = self.ranges.thresholds(method)

    def graph(self, lifted: Collection[str] = ()) -> onnx.ModelProto:
        """The INT8 graph with some layers left in float.

        Raises:
            OptionError: A layer is none of the network's.
            QualityError: The graph breaks a rule of the engines.
        """
        return laid_out(quantised(self._even, self._thresholds, lifted, self.ranges.means))

    def damage(self, gate: Gate) -> dict[str, float]:
        """What each layer does alone: its strain on the gate, worst first.

        Raises:
            EngineError: A graph does not run.
        """
        found = {}
        for layer in self.layers:
            alone = self.graph([other for other in self.layers if other != layer])
            found[layer] = gate.strain(StylizerRun(alone))
        return dict(sorted(found.items(), key=lambda item: -item[1]))

    def tune(self, gate: Gate, damage: Mapping[str, float]) -> None:
        """Choose anew where the worst layers clip, by what the picture loses and not the layer.

        Args:
            gate: Of frames calibrated on, so that those which judge later stay unseen.
            damage: By layer, from :meth:`damage`.

        Raises:
            EngineError: A graph does not run.
        """
        limits = {share: self.ranges.thresholds("percentile", share) for share in PERCENTILES}
        for layer in worst_layers(damage, TUNED_SHARE):
            choices = {self._thresholds[layer], *(found[layer] for found in limits.values())}
            errors = {
                limit: gate.strain(StylizerRun(self._alone(layer, limit)))
                for limit in sorted(choices)
            }
            self._thresholds[layer] = min(errors, key=lambda limit: errors[limit])

    def _alone(self, layer: str, limit: float) -> onnx.ModelProto:
        return quantised(self._even, {layer: limit}, means=self.ranges.means)

    def lifted_until_it_passes(
        self, damage: Mapping[str, float], judge: Callable[[onnx.ModelProto], Iterable[GateResult]]
    ) -> tuple[str, ...]:
        """The layers to leave in float for the rest to pass: much damage for little work.

        Layers are added by damage for each multiply-add, as long as it fails; then those that it
        passes without are taken back, the dearest first.

        Args:
            damage: By layer, from :meth:`damage`.
            judge: The verdicts over a graph; the first that fails ends them.

        Returns:
            A set that passes; all layers but one where none does.
        """

        def passes(lifted: Sequence[str]) -> bool:
            return all(one.passed for one in judge(self.graph(lifted)))

        work = self.ranges.multiply_adds
        worst = worst_layers({layer: damage[layer] / work[layer] for layer in damage}, 1.0)
        count = next((n for n in range(1, len(worst)) if passes(worst[:n])), None)
        if count is None:
            return tuple(worst[:-1])
        lifted = worst[:count]
        for layer in sorted(lifted[:-1], key=lambda one: -work[one]):
            rest = [other for other in lifted if other != layer]
            if passes(rest):
                lifted = rest
        return tuple(lifted)


def alike(model: onnx.ModelProto, limit: float = 4.0) -> onnx.ModelProto:
    """The INT8 graph that an export makes, but for one range in all layers: for rules and speed.

    Args:
        model: A float stylizer graph.
        limit: Where every layer's input is clipped.
    """
    model = with_short_sigmoids(without_doubling(model))
    return laid_out(quantised(model, dict.fromkeys(convolutions(model), limit)))


def laid_out(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same function in the layout in which CPUs are fast: INT8 is theirs where no one asks.

    Raises:
        QualityError: The result breaks a rule of the engines.
    """
    moved = without_block_moves(with_early_levels(model))
    check_quantised(moved, model)
    return moved


def worst_layers(damage: Mapping[str, float], share: float) -> list[str]:
    """The layers that do a share of the damage, worst first."""
    total, found = share * sum(damage.values()), []
    for layer in sorted(damage, key=lambda one: -damage[one]):
        found.append(layer)
        total -= damage[layer]
        if total <= 0 and share < 1:
            break
    return found
