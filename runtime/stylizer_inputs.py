"""What a stylizer's graph reads, by the names of its inputs."""

from typing import Any

import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float32]


def stylizer_inputs(
    frames: npt.NDArray[np.uint8],
    codes: Vectors,
    statistics: Vectors,
    statistics_weight: Vectors,
    strength: Vectors,
) -> dict[str, npt.NDArray[Any]]:
    """All of them; see :meth:`hsi.runtime.engine.Engine.stylize`."""
    return {"frame": frames, **vectors(codes, statistics, statistics_weight, strength)}


def vectors(
    codes: Vectors, statistics: Vectors, statistics_weight: Vectors, strength: Vectors
) -> dict[str, npt.NDArray[Any]]:
    """Those beside the frames, which may lie on a device."""
    return {
        "style_code": codes,
        "statistics": statistics,
        "statistics_weight": statistics_weight,
        "strength": strength,
    }
