"""From a bundle and a size to a tested session on one of TensorRT's providers in ONNX Runtime."""

import logging
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import onnxruntime as ort

from hsi.runtime.bundle import Bundle
from hsi.runtime.engine import Engine
from hsi.runtime.onnxruntime_engine import translated
from hsi.runtime.self_test import self_test
from hsi.runtime.trt.build_progress import BuildProgress
from hsi.runtime.trt.built_engine import BuiltEngine
from hsi.runtime.trt.device import Device, find_device
from hsi.runtime.trt.handover_engine import HandoverEngine
from hsi.runtime.trt.options import TensorRtOptions
from hsi.runtime.trt.plan_cache import PlanCache
from hsi.runtime.trt.plan_key import PlanKey, key_of
from hsi.runtime.trt.plan_maker import fastest
from hsi.runtime.trt.profile import Profile
from hsi.runtime.trt.provider import PROVIDERS, Provider
from hsi.runtime.trt.session_runner import RECORD, SessionRunner, check_assigned

log = logging.getLogger(__name__)

FOLDER = "onnxruntime"  # beside the plans that TensorRT builds by itself


class SessionMaker:
    """Makes engines of one bundle: a :class:`hsi.runtime.trt.handover_engine.Maker`.

    ONNX Runtime keeps what was built in files whose names know the shape of the graph and not its
    weights. So each graph, range of sizes, set of options, version and GPU has a folder of its own.

    Args:
        provider: What builds and runs.
        device: The GPU.
        bundle: Whose fastest variant is run, of those that passed their gate.
        options: How it is built and where it is kept.
    """

    def __init__(
        self, provider: Provider, device: Device, bundle: Bundle, options: TensorRtOptions
    ) -> None:
        self.engine = provider.engine
        self._provider = provider
        self._device = device
        self._bundle = bundle
        self._options = options
        self._plans = PlanCache(options.cache_dir)
        self._cache = PlanCache(self._plans.folder / FOLDER)
        self._graph, self._golden = fastest(bundle)

    def made(self, profile: Profile, encoder: Engine, cancel: threading.Event) -> BuiltEngine:
        """See :meth:`hsi.runtime.trt.handover_engine.Maker.made`. A build cannot be cancelled."""
        data = self._bundle.read(self._graph.part)
        key = key_of(data, profile, self._options, self._provider.version, self._device)
        what = f"{self.engine}: building {self._graph.part} for {profile.to_text()}"
        kept = self._kept(key)
        with self._cache.locked(key, cancel):
            if kept is None or not any(kept[0].iterdir()):
                log.warning("%s, which may take minutes: %s runs meanwhile", what, encoder.name)
            with BuildProgress(what, cancel) as progress:
                session = self._session(data, profile, kept)
            log.warning("%s: ready after %.0f s", self.engine, progress.seconds)
        check_assigned(session, self._provider.name, self.engine)
        engine = BuiltEngine(SessionRunner(session), self._graph, encoder, self.engine)
        self_test(self._bundle, self._golden, engine)
        return engine

    def _session(
        self, data: bytes, profile: Profile, kept: tuple[Path, Path] | None
    ) -> ort.InferenceSession:
        try:
            return self._opened(data, profile, kept)
        except Exception as error:
            if kept is None or not any(kept[0].iterdir()):
                raise self._refused(error) from error
            log.warning("what was kept does not load, building it again: %s", translated(error))
        for folder in kept:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(exist_ok=True, mode=0o700)
        try:
            return self._opened(data, profile, kept)
        except Exception as error:
            raise self._refused(error) from error

    def _opened(
        self, data: bytes, profile: Profile, kept: tuple[Path, Path] | None
    ) -> ort.InferenceSession:
        shapes = profile.shapes({tensor.name: tensor.shape for tensor in self._graph.inputs})
        session_options = ort.SessionOptions()
        session_options.log_severity_level = 3
        session_options.add_session_config_entry(RECORD, "1")
        told = self._provider.options(shapes, self._options, kept)
        return self._provider.session(data, session_options, told)

    def _refused(self, error: Exception) -> Exception:
        return translated(error, f"engine {self.engine}: {self._graph.part} was not built: ")

    def _kept(self, key: PlanKey) -> tuple[Path, Path] | None:
        """Where it is kept, and the builder's timings; None where nothing can be."""
        folders = self._cache.folder / key.digest, self._cache.folder / f"timings-{key.machine}"
        try:
            self._plans.make_folder()
            self._cache.make_folder()
            for folder in folders:
                folder.mkdir(exist_ok=True, mode=0o700)
        except OSError as error:
            log.warning("%s: nothing can be kept (%s): each run builds", folders[0], error)
            return None
        for cache in (self._plans, self._cache):
            if not cache.is_private():
                told = "%s: others may write to it, so it is not used: run chmod 700 on it"
                log.warning(told, cache.folder)
                return None
        return folders


def open_provider(
    name: str, bundle: Bundle, open_standby: Callable[[], Engine], options: TensorRtOptions
) -> HandoverEngine:
    """One of TensorRT's providers in ONNX Runtime, on the GPU of this machine.

    Args:
        name: A name in ``PROVIDERS``.
        bundle: What to run.
        open_standby: Opens what runs while sessions are built.
        options: How they are built and kept; `tf32` and `version_compatible` are not theirs.

    Raises:
        EngineError: There is no device, a package is missing or too old, or no standby opens.
    """
    device = find_device(engine=name)
    provider = PROVIDERS[name]()
    log.info("%s (%s) on %s", name, provider.version, device.name)
    maker = SessionMaker(provider, device, bundle, options)
    return HandoverEngine(bundle, open_standby(), maker, options)
