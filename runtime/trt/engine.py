"""TensorRT as an engine: what runs while its plan is built, and the change to it."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from hsi.runtime.bundle import Bundle
from hsi.runtime.engine import Engine, Frames, Vectors
from hsi.runtime.errors import EngineError, HsiError
from hsi.runtime.trt.bindings import load_bindings
from hsi.runtime.trt.builder import BuildCancelled
from hsi.runtime.trt.cuda import load_cuda
from hsi.runtime.trt.device import find_device
from hsi.runtime.trt.options import TensorRtOptions
from hsi.runtime.trt.plan_engine import NAME, PlanEngine
from hsi.runtime.trt.plan_maker import PlanMaker
from hsi.runtime.trt.profile import Profile, profile_for

log = logging.getLogger(__name__)

PATIENCE_S = 1.0  # with a build that was cancelled, before it is spoken of


class _Ready:
    """An engine of a plan, and how many frames are underway on it."""

    def __init__(self, profile: Profile, engine: PlanEngine) -> None:
        self.profile = profile
        self.engine = engine
        self.users = 0


class TensorRtEngine:
    """A bundle on TensorRT, and on another engine until TensorRT's plan is ready.

    A plan fits a range of frame sizes. The first frame of a size that no plan takes starts a build
    in the background; frames run on ``standby`` until it is done, and on the plan from then on. A
    build that fails is raised by the next frame. Frames of the golden picture's size run on
    ``standby``, always: the self-test of a bundle at the start is no reason to build for minutes,
    and each plan is tested by itself before it runs.

    Args:
        bundle: What to run.
        standby: Runs meanwhile, and encodes styles; closed with this engine.
        maker: Makes engines of plans.
        options: The sizes asked for.
    """

    def __init__(
        self, bundle: Bundle, standby: Engine, maker: PlanMaker, options: TensorRtOptions
    ) -> None:
        height, width = bundle.read_picture(bundle.manifest.golden.frame).shape[:2]
        self._golden = (width, height)
        self._standby: Engine | None = standby
        self._standby_name = standby.name
        self._maker = maker
        self._options = options
        self._changing = threading.Condition()
        self._ready: _Ready | None = None
        self._building: threading.Thread | None = None
        self._failure: HsiError | None = None
        self._cancel = threading.Event()
        self._on_plan = self._has_run = self._has_told = False

    @property
    def name(self) -> str:
        """The engine that ran the last frame."""
        return NAME if self._on_plan else self._standby_name

    def encode_style(self, style: Frames) -> Vectors:
        """See :meth:`hsi.runtime.engine.Engine.encode_style`."""
        return self._opened().encode_style(style)

    def stylize(
        self,
        frames: Frames,
        codes: Vectors,
        statistics: Vectors,
        statistics_weight: Vectors,
        strength: Vectors,
        out: Frames,
    ) -> Vectors:
        """See :meth:`hsi.runtime.engine.Engine.stylize`. Raises the failure of a build too."""
        with self._engine_for(frames.shape) as engine:
            return engine.stylize(frames, codes, statistics, statistics_weight, strength, out)

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
        with self._engine_for(shape) as engine:
            if not isinstance(engine, PlanEngine):
                raise EngineError(
                    f"no plan for frames of shape {shape} yet: call wait({shape}) first, and use "
                    "another size than the golden picture's"
                )
            return engine.stylize_on_device(
                frames, codes, statistics, statistics_weight, strength, out
            )

    def wait(self, shape: tuple[int, ...]) -> None:
        """Build for batches `(N, H, W, 3)` of a shape, if need be, and wait until they run on it.

        Raises:
            EngineError: The build failed.
        """
        with self._changing:
            ready, building = self._ready_for(shape), self._building
        if ready is None and building is not None:
            building.join()
            with self._changing:
                self._ready_for(shape)

    @property
    def compute_ms(self) -> float | None:
        """Milliseconds of the last frame's kernels, without transfers; None on the standby."""
        ready = self._ready
        return ready.engine.compute_ms if ready is not None and self._on_plan else None

    def close(self) -> None:
        """See :meth:`hsi.runtime.engine.Engine.close`. A build underway ends first."""
        self._cancel.set()
        if self._building is not None:
            self._building.join(PATIENCE_S)
            if self._building.is_alive():
                log.warning("tensorrt: waiting for the builder's step, after which the build ends")
                self._building.join()
        with self._changing:
            standby, ready, self._standby, self._ready = self._standby, self._ready, None, None
        if self._failure is not None and not self._has_told:
            log.warning("tensorrt: %s", self._failure)
        elif self._building is not None and not self._has_run and self._failure is None:
            log.warning("tensorrt was asked for and ran no frame: the run was over before")
        if ready is not None:
            self._retire(ready)
        if standby is not None:
            standby.close()

    @contextmanager
    def _engine_for(self, shape: tuple[int, ...]) -> Iterator[Engine]:
        with self._changing:
            ready, standby = self._ready_for(shape), self._opened()
            if ready is not None:
                ready.users += 1
        if ready is None:
            yield standby
            return
        try:
            yield ready.engine
        finally:
            with self._changing:
                ready.users -= 1
                self._changing.notify_all()

    def _opened(self) -> Engine:
        if self._standby is None:
            raise EngineError("this engine is closed: open the bundle again")
        return self._standby

    def _ready_for(self, shape: tuple[int, ...]) -> _Ready | None:
        """The plan that takes a shape; starts to build one if there is none."""
        self._opened()
        if (shape[2], shape[1]) == self._golden:
            return None
        if self._failure is not None:
            self._has_told = True
            raise self._failure
        self._on_plan = self._ready is not None and self._ready.profile.takes(shape)
        if self._on_plan:
            self._has_run = True
            return self._ready
        if self._building is None or not self._building.is_alive():
            self._start(shape)
        return None

    def _start(self, shape: tuple[int, ...]) -> None:
        options = self._options
        profile = profile_for(shape, self._golden, options.min_size, options.max_size)
        self._building = threading.Thread(
            target=self._build, args=(profile,), name="tensorrt-build", daemon=True
        )
        self._building.start()

    def _build(self, profile: Profile) -> None:
        try:
            engine = self._maker.made(profile, self._opened(), self._cancel)
        except BuildCancelled:
            log.info("tensorrt: the build was cancelled")
            return
        except HsiError as error:
            self._failure = error
            return
        except Exception as error:  # in a thread of its own: the next frame tells
            self._failure = EngineError(f"TensorRT failed: {' '.join(str(error).split())[:300]}")
            return
        with self._changing:
            before, self._ready = self._ready, _Ready(profile, engine)
        log.warning("tensorrt: runs from the next frame on")
        if before is not None:
            self._retire(before)

    def _retire(self, ready: _Ready) -> None:
        with self._changing:
            while ready.users:
                self._changing.wait()
        ready.engine.close()


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
