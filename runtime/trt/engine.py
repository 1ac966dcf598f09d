"""TensorRT as an engine."""

import logging
from collections.abc import Callable
from typing import Any

from hsi.runtime.bundle import Bundle
from hsi.runtime.engine import Engine, Vectors
from hsi.runtime.errors import EngineError
from hsi.runtime.trt.bindings import load_bindings
from hsi.runtime.trt.cuda import load_cuda
from hsi.runtime.trt.device import find_device
from hsi.runtime.trt.handover_engine import HandoverEngine
from hsi.runtime.trt.options import TensorRtOptions
from hsi.runtime.trt.plan_engine import PlanEngine
from hsi.runtime.trt.plan_maker import PlanMaker

log = logging.getLogger(__name__)


class TensorRtEngine(HandoverEngine):
    """A bundle on TensorRT, and on another engine until its plan is ready."""

    def stylize_on_device(
        self,
        frames: Any,
        codes: Vectors,
        statistics: Vectors,
        statistics_weight: Vectors,
        strength: Vectors,
        out: Any,
    ) -> Vectors:
        """See :meth:`hsi.runtime.trt.plan_engine.PlanEngine.stylize_on_device`.

        No other engine takes such frames, so :meth:`wait` comes first.

        Raises:
            EngineError: No plan takes frames of this shape yet, or its build failed.
        """
        shape = tuple(frames.shape)
        with self.engine_for(shape) as engine:
            if not isinstance(engine, PlanEngine):
                raise EngineError(
                    f"no plan for frames of shape {shape} yet: call wait({shape}) first, and use "
                    "another size than the golden picture's"
                )
            return engine.stylize_on_device(
                frames, codes, statistics, statistics_weight, strength, out
            )


def open_tensorrt(
    bundle: Bundle, open_standby: Callable[[], Engine], options: TensorRtOptions
) -> TensorRtEngine:
    """TensorRT on the GPU of this machine.

    Args:
        bundle: What to run.
        open_standby: Opens what runs while plans are built.
        options: How plans are built and kept.

    Raises:
        EngineError: There is no device, a package is missing or too old, or no standby opens.
    """
    device = find_device()  # before any object of TensorRT
    trt, cudart = load_bindings(), load_cuda()
    log.info(
        "TensorRT %s on %s, compute capability %s, driver for CUDA %s",
        trt.__version__,
        device.name,
        device.compute_capability,
        device.driver,
    )
    standby = open_standby()
    return TensorRtEngine(bundle, standby, PlanMaker(trt, cudart, device, bundle, options), options)
