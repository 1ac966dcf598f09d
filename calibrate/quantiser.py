"""From frames and styles to INT8 graphs: which layers, and what each costs."""

from collections.abc import Callable, Mapping, Sequence

import onnx

from hsi.calibrate.balance import balanced
from hsi.calibrate.block_convolutions import without_block_moves
from hsi.calibrate.doubling import without_doubling
from hsi.calibrate.early_levels import with_early_levels
from hsi.calibrate.finer_layers import NONE_FINER, FinerLayers
from hsi.calibrate.gate import Gate
from hsi.calibrate.graph_edit import convolutions
from hsi.calibrate.quantise import quantised, reads_pixels
from hsi.calibrate.quantised_rules import check_quantised
from hsi.calibrate.ranges import ActivationRanges, Sample, channel_ranges
from hsi.calibrate.short_sigmoid import with_short_sigmoids
from hsi.calibrate.stylizer_run import StylizerRun

PERCENTILES = (99.9, 99.97, 99.99, 99.999, 100.0)  # to choose from for the worst layers
TUNED_SHARE = 0.9  # of the damage
ROOM = 1.3  # beyond the largest value seen


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
        layers = convolutions(model).items()
        self._exact = {layer for layer, conv in layers if reads_pixels(model, conv)}
        even = {layer: found[layer] for layer, _ in layers if layer not in self._exact}
        self._even = with_short_sigmoids(without_doubling(balanced(model, even)))
        self.ranges = ActivationRanges(self._even, samples)
        self._thresholds = self.ranges.thresholds(method)
        # Two numbers have levels to spare: scenes livelier than those seen are not clipped.
        widest = self.ranges.thresholds("max")
        self._widest = {layer: ROOM * limit for layer, limit in widest.items()}

    def graph(self, finer: FinerLayers = NONE_FINER) -> onnx.ModelProto:
        """The INT8 graph, with some layers better than that.

        Raises:
            OptionError: A layer is none of the network's.
            QualityError: The graph breaks a rule of the engines.
        """
        limits = self._thresholds | {layer: self._widest[layer] for layer in finer.split}
        return laid_out(quantised(self._even, limits, finer.floats, self.ranges.means, finer.split))

    def damage(self, gate: Gate) -> dict[str, float]:
        """What each layer does alone: its strain on the gate, worst first.

        Raises:
            EngineError: A graph does not run.
        """
        found = {}
        for layer in self.layers:
            others = [other for other in self.layers if other != layer]
            alone = self.graph(FinerLayers.in_float(others))
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

    def finer_until_it_passes(
        self, damage: Mapping[str, float], judge: Callable[[onnx.ModelProto], bool]
    ) -> FinerLayers:
        """The layers to take out of plain INT8 for the rest to pass: much damage for little work.

        Layers are left in float by damage for each multiply-add, as long as it fails; then those
        that it passes without are taken back, the dearest first. The inputs of the others get two
        INT8 numbers a value instead, wherever that passes too.

        Args:
            damage: By layer, from :meth:`damage`.
            judge: Whether a graph passes.

        Returns:
            A set that passes; all layers but one, in float, where none does.
        """

        def passes(finer: FinerLayers) -> bool:
            return judge(self.graph(finer))

        work = self.ranges.multiply_adds
        worst = worst_layers({layer: damage[layer] / work[layer] for layer in damage}, 1.0)
        floats = _least_that_passes(worst, lambda kept: passes(FinerLayers.in_float(kept)), work)
        finer = FinerLayers.in_float(floats or worst[:-1])
        for layer in sorted(floats, key=lambda one: -work[one]):
            if layer not in self._exact and passes(split := finer.with_split(layer)):
                finer = split
        return finer


def _least_that_passes(
    worst: Sequence[str], passes: Callable[[Sequence[str]], bool], work: Mapping[str, float]
) -> list[str]:
    """The first so many that pass, less those that are not needed; empty where none do."""
    count = next((n for n in range(1, len(worst)) if passes(worst[:n])), 0)
    kept = list(worst[:count])
    for layer in sorted(kept[:-1], key=lambda one: -work[one]):
        rest = [other for other in kept if other != layer]
        if passes(rest):
            kept = rest
    return kept


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
