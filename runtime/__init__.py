"""Run a style-transfer bundle on frames: NumPy in and out, without torch.

For example::

    with hsi.runtime.load() as stylizer:
        stylizer.set_style("picasso.jpg")
        out = stylizer(frame)  # (H, W, 3) uint8 BGR, as OpenCV has them

A video goes through a :class:`Stream`, which keeps it steady and has the look controls. Cameras
that are read, watched over and opened again by themselves go through a :class:`Pipeline`::

    for shown in hsi.runtime.stream("rtsp://camera/1", style="picasso.jpg"):
        cv2.imshow("line", shown.image)
"""

from hsi.runtime.bundle import Bundle
from hsi.runtime.embedded_pipeline import Pipeline
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
from hsi.runtime.event import Event, EventKind
from hsi.runtime.frame import Frame
from hsi.runtime.frame_stream import FrameStream
from hsi.runtime.live_arguments import LiveOptions
from hsi.runtime.live_view import Shown
from hsi.runtime.loader import load
from hsi.runtime.look import Look
from hsi.runtime.manifest import Manifest
from hsi.runtime.onnxruntime_options import OnnxRuntimeOptions
from hsi.runtime.output import Output, ViewerClosed
from hsi.runtime.region import Mask, Region
from hsi.runtime.run_options import OnFault, Policy
from hsi.runtime.shared_memory_reader import SharedFrame, SharedMemoryReader
from hsi.runtime.source import CorruptFrame, EndOfStream, Source, SourceLost
from hsi.runtime.stabiliser import Stabiliser
from hsi.runtime.stream import Stream
from hsi.runtime.style_code import StyleCode, blend
from hsi.runtime.styles import DEFAULT_STYLE, shipped_styles
from hsi.runtime.stylizer import Stylised, Stylizer
from hsi.runtime.telemetry import decline_for_onnxruntime
from hsi.runtime.trt.options import TensorRtOptions

decline_for_onnxruntime()  # here: what imports it may be any module of this package
stream = FrameStream  # reads as `for shown in hsi.runtime.stream(...)`

__all__ = [
    "DEFAULT_STYLE",
    "ENGINES",
    "Bundle",
    "BundleError",
    "CorruptFrame",
    "EndOfStream",
    "Engine",
    "EngineError",
    "Event",
    "EventKind",
    "Frame",
    "FrameError",
    "FrameStream",
    "HsiError",
    "LiveOptions",
    "Look",
    "Manifest",
    "Mask",
    "OnFault",
    "OnnxRuntimeOptions",
    "OptionError",
    "Output",
    "OutputError",
    "Pipeline",
    "Policy",
    "QualityError",
    "Region",
    "SharedFrame",
    "SharedMemoryReader",
    "Shown",
    "Source",
    "SourceError",
    "SourceLost",
    "Stabiliser",
    "Stream",
    "StyleCode",
    "Stylised",
    "Stylizer",
    "TensorRtOptions",
    "ViewerClosed",
    "blend",
    "load",
    "shipped_styles",
    "stream",
]
