"""What live frames are compared with: colours and statistics of the calibration set."""

import json
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from hsi.runtime.bundle import Bundle
from hsi.runtime.errors import BundleError
from hsi.runtime.frame import Image
from hsi.runtime.json_record import record_from_json

QUANTILES = 16  # of each colour channel
SIZE = (64, 36)  # width and height in pixels of the frames whose colours are taken
MAX_FRAMES = 4096

Vectors = npt.NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class StatisticsRange:
    """Between which bounds one field of the statistics lay over the calibration set."""

    name: str  # as in the manifest
    start: int  # in the statistics vector
    low: tuple[float, ...]
    high: tuple[float, ...]

    def __post_init__(self) -> None:
        low, high = np.array(self.low), np.array(self.high)
        if self.start < 0 or not low.size or low.size != high.size or not (low <= high).all():
            raise BundleError(
                f"calibration: expected bounds of {self.name}, the lower first, found others: "
                "export the bundle again"
            )


@dataclass(frozen=True, kw_only=True)
class DriftReference:
    """A calibration set, as far as it takes to see that a scene has left it."""

    colours: tuple[tuple[float, ...], ...]  # `colour_quantiles` of each frame, laid flat
    edge: float  # grey levels from the nearest frame, from where on a frame lies outside
    statistics: tuple[StatisticsRange, ...]  # of those that depend on the frame alone

    def __post_init__(self) -> None:
        sizes = {len(row) for row in self.colours}
        fit = 1 <= len(self.colours) <= MAX_FRAMES and sizes == {3 * QUANTILES}
        fit = fit and bool(self.statistics)
        if not fit or not np.isfinite(self.colours).all() or not 0 < self.edge < float("inf"):
            raise BundleError(
                f"calibration: expected {3 * QUANTILES} colours of each frame, an edge above 0 and "
                "statistics, found others: export the bundle again"
            )


def colour_quantiles(image: Image) -> Vectors:
    """How the colours of a frame are distributed, whatever its size: `(3, 16)` grey levels.

    The mean difference of two frames' is the earth mover's distance of their histograms, channel by
    channel: a change by one grey level moves it by one.

    Args:
        image: `(H, W, 3) uint8 BGR`.
    """
    # Some pixels of a large frame do, at a fraction of the time.
    step = max(1, min(image.shape[:2]) // (4 * SIZE[1]))
    small = cv2.resize(image[::step, ::step], SIZE, interpolation=cv2.INTER_AREA)
    levels = np.sort(small.reshape(-1, 3).T, axis=1)
    places = (np.arange(QUANTILES) + 0.5) / QUANTILES * levels.shape[1]
    return levels[:, places.astype(np.intp)].astype(np.float32)


def drift_reference_of(bundle: Bundle) -> DriftReference | None:
    """What the graph that runs was calibrated on; None where on nothing, or nothing was kept.

    Raises:
        BundleError: The record is damaged, or does not fit the network.
    """
    running = bundle.manifest.stylizer
    parts = [v.calibration for v in bundle.manifest.variants if v.graph == running]
    if not any(parts):
        return None
    where, data = f"{bundle.path}: {parts[0]}", bundle.read(parts[0])
    try:
        record = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise BundleError(f"{where}: expected JSON, found damage: export it again") from error
    if not isinstance(record, dict) or "drift" not in record:
        return None
    reference: DriftReference = record_from_json(DriftReference, record["drift"], f"{where}: drift")
    for one in reference.statistics:
        if one.start + len(one.low) > bundle.manifest.statistics_size:
            raise BundleError(
                f"{where}: expected statistics of this network, found {one.name} beyond them: "
                "export the bundle again"
            )
    return reference
