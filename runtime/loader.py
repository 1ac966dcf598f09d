"""Opening a bundle on an engine."""

import os
from pathlib import Path

from hsi.runtime.bundle import Bundle, shipped_bundle
from hsi.runtime.engine import open_engine
from hsi.runtime.style_code import StyleCache
from hsi.runtime.stylizer import Stylizer
from hsi.runtime.trt.options import TensorRtOptions


def load(
    bundle: str | os.PathLike[str] | None = None,
    *,
    engine: str = "auto",
    threads: int | None = None,
    verify: bool = True,
    cache_dir: str | os.PathLike[str] | None = None,
    tensorrt: TensorRtOptions | None = None,
) -> Stylizer:
    """Open a bundle on the best engine of this machine.

    Args:
        bundle: A ``.hsi`` file; None for the shipped one.
        engine: ``auto`` or a name in ``hsi.runtime.ENGINES``.
        threads: CPU threads; None for all cores.
        verify: Stylise the golden frame first and compare.
        cache_dir: Where style codes are kept; None for the user's cache.
        tensorrt: How plans are built and kept, for engine ``tensorrt``.

    Returns:
        A stylizer with the shipped default style until another is set.

    Raises:
        BundleError: The file is no bundle, damaged, unsafe or too new.
        EngineError: No engine can run it here.
        QualityError: The self-test failed.
    """
    opened = Bundle(shipped_bundle() if bundle is None else bundle)
    cache = StyleCache(None if cache_dir is None else Path(cache_dir))
    stylizer = Stylizer(opened, open_engine(opened, engine, threads, tensorrt), cache)
    if verify:
        try:
            opened.verify()
            stylizer.self_test()
        except BaseException:
            stylizer.close()
            raise
    return stylizer
