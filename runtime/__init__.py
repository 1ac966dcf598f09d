"""Run a style-transfer bundle on frames: NumPy in and out, without torch.

For example::

    with hsi.runtime.load() as stylizer:
        stylizer.set_style("picasso.jpg")
        out = stylizer(frame)  # (H, W, 3) uint8 BGR, as OpenCV has them

A video goes through a :class:`Stream`, which keeps it steady and has the look controls.
"""

from hsi.runtime.bundle import Bundle
from hsi.runtime.engine import ENGINES, Engine
from hsi.runtime.errors import (
    BundleError,
    EngineError,
    FrameError,
    HsiError,
    OptionError,
    OutputError,
    QualityError,
    SourceError,
)
from hsi.runtime.loader import load
from hsi.runtime.look import Look
from hsi.runtime.manifest import Manifest
from hsi.runtime.region import Mask, Region
from hsi.runtime.stabiliser import Stabiliser
from hsi.runtime.stream import Stream
from hsi.runtime.style_code import StyleCode, blend
from hsi.runtime.styles import DEFAULT_STYLE, shipped_styles
from hsi.runtime.stylizer import Stylised, Stylizer
from hsi.runtime.trt.options import TensorRtOptions

__all__ = [
    "DEFAULT_STYLE",
    "ENGINES",
    "Bundle",
    "BundleError",
    "Engine",
    "EngineError",
    "FrameError",
    "HsiError",
    "Look",
    "Manifest",
    "Mask",
    "OptionError",
    "OutputError",
    "QualityError",
    "Region",
    "SourceError",
    "Stabiliser",
    "Stream",
    "StyleCode",
    "Stylised",
    "Stylizer",
    "TensorRtOptions",
    "blend",
    "load",
    "shipped_styles",
]
