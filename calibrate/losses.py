"""What a stylised picture loses of its content and lacks of its style (needs torch)."""

from collections.abc import Mapping
from pathlib import Path

from hsi.calibrate.gate import GatePair
from hsi.calibrate.gate_result import Losses
from hsi.evaluate.features import FeatureNetwork, Levels
from hsi.evaluate.measures import content_loss, moments, style_loss
from hsi.runtime.frame import Image


class VggLosses:
    """The losses of ``hsi-eval``: a :class:`hsi.calibrate.gate.LossMeter`.

    Args:
        weights: Of VGG-19 up to relu4_1, normalised as AdaIN's.
        styles: `(H, W, 3) uint8 BGR` by name: every style of the pairs that come.

    Raises:
        SourceError: The file is missing or holds another network.
    """

    def __init__(self, weights: Path, styles: Mapping[str, Image]) -> None:
        self._network = network = FeatureNetwork(weights)
        self._styles = {name: moments(network.levels(style)) for name, style in styles.items()}
        self._last: tuple[Image, Levels] | None = None

    def losses(self, picture: Image, pair: GatePair) -> Losses:
        """See :meth:`hsi.calibrate.gate.LossMeter.losses`."""
        levels = self._network.levels(picture)
        return Losses(
            content=content_loss(levels, self._content(pair.image)),
            style=style_loss(moments(levels), self._styles[pair.style]),
        )

    def _content(self, frame: Image) -> Levels:
        # Pairs of one frame follow each other, and its features take 100 MB: the last are kept.
        if self._last is None or self._last[0] is not frame:
            self._last = (frame, self._network.levels(frame))
        return self._last[1]
