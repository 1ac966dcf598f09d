"""Plans built before a stream asks for them."""

from pathlib import Path

from hsi.runtime.bundle import Bundle
from hsi.runtime.engine import open_engine
from hsi.runtime.trt.bindings import load_bindings
from hsi.runtime.trt.cuda import load_cuda
from hsi.runtime.trt.device import find_device
from hsi.runtime.trt.engine import open_tensorrt
from hsi.runtime.trt.options import TensorRtOptions
from hsi.runtime.trt.profile import Size


def check_builder() -> None:
    """See whether plans can be built here at all.

    Raises:
        EngineError: There is no GPU, or a package is missing or too old.
    """
    find_device()  # before any object of TensorRT
    load_bindings()
    load_cuda()


def build_ahead(path: Path, size: Size, options: TensorRtOptions | None = None) -> None:
    """Build and keep the plan of a bundle for frames of a size, in minutes; a kept one stays.

    Args:
        path: The bundle.
        size: `(width, height)` in pixels, another than that of the golden picture, which no plan
            is built for.
        options: How plans are built and kept; those of the stream must be the same.

    Raises:
        BundleError: The file is no bundle.
        EngineError: There is no device or builder, or the build fails.
        QualityError: The plan does not give the golden picture.
    """
    bundle = Bundle(path)
    engine = open_tensorrt(bundle, lambda: open_engine(bundle), options or TensorRtOptions())
    try:
        engine.wait((1, size[1], size[0], 3))
    finally:
        engine.close()
