"""What a bundle keeps of its calibration set, for ``hsi-run`` to see that a scene has left it."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from hsi.calibrate.calibration_set import CalibrationSet
from hsi.calibrate.stylizer_run import StylizerRun, Vectors
from hsi.runtime.drift_reference import DriftReference, StatisticsRange, colour_quantiles
from hsi.runtime.errors import QualityError
from hsi.runtime.manifest import StatisticsField

MEAN, VARIANCE = "0.mean", "0.variance"  # of features that no style has entered yet
# Beyond the farthest frame that was read and not calibrated on: grey levels that the light of one
# scene comes and goes by.
REACH = 6.0
# Bounds are widened by a share of the range seen, and of the channel's own deviation: of few frames
# the range is narrow.
OF_RANGE, OF_DEVIATION = 0.5, 0.1


def drift_reference(
    calibration: CalibrationSet, stylizer: StylizerRun, fields: Sequence[StatisticsField]
) -> DriftReference:
    """Colours of the frames calibrated on, and the bounds of the features' moments over them.

    Args:
        calibration: The set.
        stylizer: The FP32 graph.
        fields: Where each quantity lies in its statistics.

    Raises:
        QualityError: The network has no such statistics.
        EngineError: The graph does not run.
    """
    code = np.zeros(stylizer.code_size, np.float32)  # any: no style has entered
    frames = [frame.image for frame in calibration.frames]
    statistics = np.stack([stylizer.statistics(frame, code) for frame in frames])
    mean, variance = (_field(fields, name) for name in (MEAN, VARIANCE))
    deviations = np.sqrt(np.maximum(_values(statistics, variance), 0))
    spread = OF_DEVIATION * deviations.max(0)
    low, high = _bounds(_values(statistics, mean), spread)
    low_deviation, high_deviation = _bounds(deviations, spread)
    return DriftReference(
        colours=tuple(_rounded(colour_quantiles(frame).ravel()) for frame in frames),
        edge=round(calibration.reach + REACH, 3),
        statistics=(
            _range(mean, low, high),
            _range(variance, np.maximum(low_deviation, 0) ** 2, high_deviation**2),
        ),
    )


def _field(fields: Sequence[StatisticsField], name: str) -> StatisticsField:
    for one in fields:
        if one.name == name:
            return one
    raise QualityError(f"drift: expected statistics called {name}, found none: export it again")


def _values(statistics: Vectors, field: StatisticsField) -> npt.NDArray[np.float64]:
    return statistics[:, field.start : field.start + field.size].astype(np.float64)


def _bounds(
    values: npt.NDArray[np.float64], spread: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    low, high = values.min(0), values.max(0)
    margin = OF_RANGE * (high - low) + spread
    return low - margin, high + margin


def _range(
    field: StatisticsField, low: npt.NDArray[np.float64], high: npt.NDArray[np.float64]
) -> StatisticsRange:
    return StatisticsRange(
        name=field.name, start=field.start, low=_rounded(low), high=_rounded(high)
    )


def _rounded(values: npt.NDArray[np.floating]) -> tuple[float, ...]:
    """Six digits: engines and threads differ in the rest."""
    return tuple(float(f"{value:.6g}") for value in values)
