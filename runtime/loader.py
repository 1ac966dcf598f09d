"""Opening a bundle on an engine."""

import os
from pathlib import Path

from hsi.runtime.bundle import Bundle, shipped_bundle
from hsi.runtime.engine import open_engine
from hsi.runtime.onnxruntime_options import OnnxRuntimeOptions
from hsi.runtime.style_code import StyleCache
from hsi.runtime.stylizer import Stylizer
from hsi.runtime.tiling import AUTO, tiling_for
from hsi.runtime.trt.options import TensorRtOptions


def load(
    bundle: str | os.PathLike[str] | None = None,
    *,
    engine: str = "auto",
    threads: int | None = None,
    verify: bool = True,
    cache_dir: str | os.PathLike[str] | None = None,
    tensorrt: TensorRtOptions | None = None,
    onnxruntime: OnnxRuntimeOptions | None = None,
    tile: int | str | None = AUTO,
) -> Stylizer:
    """Open a bundle on the best engine of this machine.

    Args:
        bundle: A ``.hsi`` file; None for the shipped one.
        engine: ``auto`` or a name in ``hsi.runtime.ENGINES``.
        threads: CPU threads; None for all cores.
        verify: Stylise the golden frame first and compare.
        cache_dir: Where style codes are kept; None for the user's cache.
        tensorrt: How plans are built and kept, for engine ``tensorrt``.
        onnxruntime: How ONNX Runtime runs, where it does.
        tile: Pixels a side of the tiles that frames with more pixels than one are cut into; `auto`
            for tiles beyond 4096x2304, None for none. With tiles, frames may have any size.

    Returns:
        A stylizer with the shipped default style until another is set.

    Raises:
        OptionError: The tiles are too small for this network, or no size at all.
        BundleError: The file is no bundle, damaged, unsafe or too new.
        EngineError: No engine can run it here.
        QualityError: The self-test failed.
    """
    opened = Bundle(shipped_bundle() if bundle is None else bundle)
    tiling = tiling_for(tile, opened.manifest.frame)
    cache = StyleCache(None if cache_dir is None else Path(cache_dir))
    running = open_engine(opened, engine, threads, tensorrt, onnxruntime)
    stylizer = Stylizer(opened, running, cache, tiling)
    if verify:
        try:
            opened.verify()
            stylizer.self_test()
        except BaseException:
            stylizer.close()
            raise
    return stylizer
