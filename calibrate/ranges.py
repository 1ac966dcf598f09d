"""How large the inputs of convolutions become, over frames and styles."""

import contextlib
import io
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
import onnx
from onnxruntime.quantization.calibrate import HistogramCollector

from hsi.calibrate.graph_edit import constants, convolutions
from hsi.calibrate.stylizer_run import StylizerRun, Vectors
from hsi.runtime.errors import EngineError, OptionError, QualityError
from hsi.runtime.frame import Image

RangeMethod = Literal["max", "percentile", "entropy", "mse"]
METHODS: tuple[str, ...] = get_args(RangeMethod)
Histogram = tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]
"""Counts `(B,)` and edges `(B + 1,)` of absolute values."""

BINS = 2048
ENTROPY_BINS = 256  # the search is quadratic in them
LEVELS = 127  # of symmetric INT8, on each side of 0
PERCENTILE = 99.99
ODD_SHARE = 1e-3  # of one channel in one frame, at either end: a single odd pixel is no range
Sample = tuple[Image, Vectors]
"""A frame `(H, W, 3) uint8 BGR` and a style code `(K,)`."""


class ActivationRanges:
    """Histograms of what enters each convolution, gathered one frame at a time.

    ONNX Runtime's collector and searches do the work; mean squared error, which it lacks, is found
    in the same histograms.

    ``multiply_adds`` says by layer how many it took over all samples, ``means`` the mean of each
    channel of its input, `(C,)`.

    Args:
        model: A float stylizer graph.
        samples: Frames with style codes; activations depend on both.

    Raises:
        QualityError: There is no sample, or an activation is NaN or infinite.
        EngineError: The graph does not run.
    """

    def __init__(self, model: onnx.ModelProto, samples: Iterable[Sample]) -> None:
        inputs = {layer: conv.input[0] for layer, conv in convolutions(model).items()}
        run = StylizerRun(model, list(inputs.values()))
        self._collector = HistogramCollector("percentile", True, BINS, LEVELS, PERCENTILE, "same")
        means: dict[str, list[Vectors]] = {layer: [] for layer in inputs}
        for frame, code in samples:
            tensors = _finite(run.tensors(frame, code))
            for layer, name in inputs.items():
                means[layer].append(tensors[name].mean((0, 2, 3)))
            with _collecting():
                self._collector.collect({k: tensors[v] for k, v in inputs.items()})
        if not self._collector.histogram_dict:
            raise QualityError("ranges: expected frames to calibrate on, found none")
        self.means = {layer: np.mean(found, 0) for layer, found in means.items()}
        self.multiply_adds = _multiply_adds(model, self.histograms())

    def thresholds(self, method: str, percentile: float = PERCENTILE) -> dict[str, float]:
        """The absolute value, by layer, from which on a convolution's input is clipped.

        Args:
            method: One of ``METHODS``.
            percentile: Share of values below it in percent, for that method.

        Raises:
            OptionError: The method is unknown or the percentile outside (0, 100].
        """
        if method not in METHODS:
            raise OptionError(f"ranges must be one of {', '.join(METHODS)}, got {method!r}")
        if not 0 < percentile <= 100:
            raise OptionError(f"percentile must lie in (0, 100], got {percentile}")
        if method == "percentile":
            found = self._percentiles(percentile)
        else:
            search = {"max": _largest, "entropy": self._entropy, "mse": _least_error}[method]
            found = {layer: search(one) for layer, one in self.histograms().items()}
        # A layer whose input is 0 throughout is quantised exactly by any range.
        return {layer: value if value > 0 else 1.0 for layer, value in found.items()}

    def histograms(self) -> dict[str, Histogram]:
        """Absolute values of each convolution's input, by layer."""
        return {layer: (h[0], h[1]) for layer, h in self._collector.histogram_dict.items()}

    def _percentiles(self, percentile: float) -> dict[str, float]:
        self._collector.percentile = percentile
        with _collecting():
            found = self._collector.compute_percentile()
        return {layer: float(max(abs(v[0]), abs(v[1]))) for layer, v in found.items()}

    def _entropy(self, histogram: Histogram) -> float:
        counts, edges = histogram
        limit = float(edges[-1])
        centres = (edges[:-1] + edges[1:]) / 2
        coarse, _ = np.histogram(centres, ENTROPY_BINS, (0, limit), weights=counts)
        # The search wants positive and negative values, and a bin of its own for 0.
        mirrored = np.concatenate([coarse[::-1], [0], coarse]).astype(np.int64)
        places = np.linspace(-limit, limit, mirrored.size + 1, dtype=np.float32)
        kept = (mirrored, places, places[0], places[-1])
        found = self._collector.get_entropy_threshold(kept, LEVELS + 1)
        return float(max(abs(found[0]), abs(found[1])))


@dataclass(frozen=True, kw_only=True, eq=False)
class ChannelRange:
    """Between which values the channels of a convolution's input lie."""

    low: Vectors  # (C,)
    high: Vectors  # (C,)

    @property
    def centre(self) -> Vectors:
        """The middle, `(C,)`."""
        return np.asarray((self.low + self.high) / 2, np.float32)

    def joined(self, other: "ChannelRange") -> "ChannelRange":
        """What holds both."""
        low, high = np.minimum(self.low, other.low), np.maximum(self.high, other.high)
        return ChannelRange(low=low, high=high)


def channel_ranges(model: onnx.ModelProto, samples: Iterable[Sample]) -> dict[str, ChannelRange]:
    """Of what enters each convolution, by layer.

    Raises:
        QualityError: An activation is NaN or infinite.
        EngineError: The graph does not run.
    """
    inputs = {layer: conv.input[0] for layer, conv in convolutions(model).items()}
    run = StylizerRun(model, list(inputs.values()))
    found: dict[str, ChannelRange] = {}
    for frame, code in samples:
        tensors = _finite(run.tensors(frame, code))
        for layer, name in inputs.items():
            ends = np.quantile(tensors[name], (ODD_SHARE, 1 - ODD_SHARE), axis=(0, 2, 3))
            one = ChannelRange(low=ends[0].astype(np.float32), high=ends[1].astype(np.float32))
            found[layer] = one.joined(found.get(layer, one))
    return found


def _multiply_adds(model: onnx.ModelProto, inputs: Mapping[str, Histogram]) -> dict[str, float]:
    """Of each convolution, from how many values entered it; rims count as if they were used."""
    known, found = constants(model), {}
    for layer, conv in convolutions(model).items():
        strides = next((a.ints for a in conv.attribute if a.name == "strides"), (1, 1))
        per_value = known[conv.input[1]].size / known[conv.input[1]].shape[1]
        found[layer] = float(inputs[layer][0].sum() * per_value / math.prod(strides))
    return found


def _finite(tensors: Mapping[str, Vectors]) -> Mapping[str, Vectors]:
    for name, values in tensors.items():
        if not np.isfinite(values).all():
            raise QualityError(
                f"{name}: expected finite activations, found NaN or infinity: the network is of no "
                "use for these frames"
            )
    return tensors


def _largest(histogram: Histogram) -> float:
    counts, edges = histogram
    return float(edges[int(np.flatnonzero(counts)[-1]) + 1])


def _least_error(histogram: Histogram) -> float:
    """The threshold of least mean squared error: rounding inside it, clipping outside."""
    counts, edges = histogram
    centres = (edges[:-1] + edges[1:]) / 2
    limits = edges[1:][:: max(1, BINS // 256)]
    rounding = (limits / LEVELS) ** 2 / 12 * counts.sum()
    over = np.maximum(centres[None, :] - limits[:, None], 0)
    return float(limits[int((rounding + over**2 @ counts).argmin())])


@contextlib.contextmanager
def _collecting() -> Iterator[None]:
    """ONNX Runtime's calibrators print; here only commands do. Their failures become ours."""
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    except (AssertionError, IndexError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise EngineError(f"ranges: ONNX Runtime's calibrator failed: {reason}") from error
