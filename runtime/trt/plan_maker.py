"""From a bundle and a size to a tested engine: a kept plan if one fits, else a new one."""

import logging
import threading
from typing import Any

from hsi.runtime.bundle import Bundle
from hsi.runtime.engine import TENSORRT, Engine
from hsi.runtime.errors import EngineError
from hsi.runtime.manifest import Golden, Graph
from hsi.runtime.self_test import self_test
from hsi.runtime.trt.build_progress import BuildProgress
from hsi.runtime.trt.builder import build_plan
from hsi.runtime.trt.device import Device
from hsi.runtime.trt.options import TensorRtOptions
from hsi.runtime.trt.plan_cache import PlanCache
from hsi.runtime.trt.plan_engine import PlanEngine
from hsi.runtime.trt.plan_key import PlanKey, key_of
from hsi.runtime.trt.plan_runner import PlanRunner
from hsi.runtime.trt.profile import Profile

log = logging.getLogger(__name__)

PRECISIONS = ("int8", "fp16")  # of variants, the fastest first


class PlanMaker:
    """Makes engines of one bundle on one device: a :class:`hsi.runtime.trt.handover_engine.Maker`.

    Args:
        trt: The bindings.
        cudart: ``cuda.bindings.runtime``.
        device: The GPU.
        bundle: Whose fastest variant is run, of those that passed their gate.
        options: How plans are built and kept.
    """

    engine = TENSORRT

    def __init__(
        self, trt: Any, cudart: Any, device: Device, bundle: Bundle, options: TensorRtOptions
    ) -> None:
        self._trt = trt
        self._cudart = cudart
        self._device = device
        self._bundle = bundle
        self._options = options
        self._cache = PlanCache(options.cache_dir)
        self.graph, self._golden = fastest(bundle)

    def made(self, profile: Profile, encoder: Engine, cancel: threading.Event) -> PlanEngine:
        """See :meth:`hsi.runtime.trt.handover_engine.Maker.made`."""
        data = self._bundle.read(self.graph.part)
        key = key_of(data, profile, self._options, str(self._trt.__version__), self._device)
        runner = self._kept(key)
        if runner is None:
            with self._cache.locked(key, cancel):
                # Whoever held the lock may have built it.
                runner = self._kept(key) or self._built(data, key, profile, encoder, cancel)
        engine = PlanEngine(runner, self.graph, encoder)
        try:
            self_test(self._bundle, self._golden, engine)
        except BaseException:
            engine.close()
            raise
        return engine

    def _kept(self, key: PlanKey) -> PlanRunner | None:
        plan = self._cache.find(key)
        if plan is None:
            return None
        try:
            return self._runner(plan)
        except EngineError as error:
            log.warning("the plan kept does not load, building it again: %s", error)
            self._cache.drop(key)
            return None

    def _built(
        self,
        data: bytes,
        key: PlanKey,
        profile: Profile,
        meanwhile: Engine,
        cancel: threading.Event,
    ) -> PlanRunner:
        inputs = {tensor.name: tensor.shape for tensor in self.graph.inputs}
        what = f"tensorrt: building {self.graph.part} for {profile.to_text()}"
        log.warning("%s, which takes minutes: %s runs meanwhile", what, meanwhile.name)
        with BuildProgress(what, cancel) as progress:
            built = build_plan(
                self._trt,
                data,
                inputs,
                profile,
                self._options,
                progress,
                self._cache.timings(key),
            )
        log.warning(
            "tensorrt: built in %.0f s, %.1f MiB", progress.seconds, len(built.plan) / 2**20
        )
        self._cache.keep(key, built, progress.seconds)
        return self._runner(built.plan)

    def _runner(self, plan: bytes) -> PlanRunner:
        return PlanRunner(self._trt, self._cudart, plan, self._options.version_compatible)


def fastest(bundle: Bundle) -> tuple[Graph, Golden]:
    """The graph that TensorRT computes the fastest, of those that passed, and its pictures."""
    for precision in PRECISIONS:
        variant = bundle.manifest.variant(precision)
        if variant is not None:
            return variant.graph, variant.golden
    return bundle.manifest.stylizer, bundle.manifest.golden
