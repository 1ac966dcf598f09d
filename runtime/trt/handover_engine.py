"""What runs while an engine is built, and the change to it."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from hsi.runtime.bundle import Bundle
from hsi.runtime.engine import Engine, Frames, Vectors
from hsi.runtime.errors import EngineError, HsiError
from hsi.runtime.trt.builder import BuildCancelled
from hsi.runtime.trt.built_engine import BuiltEngine
from hsi.runtime.trt.options import TensorRtOptions
from hsi.runtime.trt.profile import Profile, profile_for

log = logging.getLogger(__name__)

PATIENCE_S = 1.0  # with a build that was cancelled, before it is spoken of


class Maker(Protocol):
    """Builds engines of one bundle on one device."""

    @property
    def engine(self) -> str:
        """What `--engine` calls them."""

    def made(self, profile: Profile, encoder: Engine, cancel: threading.Event) -> BuiltEngine:
        """A tested engine for frames within a profile. Building takes minutes.

        Args:
            profile: The sizes.
            encoder: Encodes styles, and runs until the engine is made.
            cancel: When set, a build ends soon.

        Raises:
            BuildCancelled: It was set.
            EngineError: The graph cannot be built or run.
            QualityError: The result is not what the bundle was exported with.
        """


class _Ready:
    """An engine that was built, and how many frames are underway on it."""

    def __init__(self, profile: Profile, engine: BuiltEngine) -> None:
        self.profile = profile
        self.engine = engine
        self.users = 0


class HandoverEngine:
    """A bundle on an engine that is built first, and on another one until that is done.

    What is built fits a range of frame sizes. The first frame of a size outside it starts a build
    in the background; frames run on ``standby`` until it is done, and on what was built from then
    on. A build that fails is raised by the next frame. Frames of the golden picture's size run on
    ``standby``, always: the self-test of a bundle at the start is no reason to build for minutes,
    and what was built is tested by itself before it runs.

    Args:
        bundle: What to run.
        standby: Runs meanwhile, and encodes styles; closed with this engine.
        maker: Builds.
        options: The sizes asked for.
    """

    def __init__(
        self, bundle: Bundle, standby: Engine, maker: Maker, options: TensorRtOptions
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
        self._on_built = self._has_run = self._has_told = False

    @property
    def name(self) -> str:
        """The engine that ran the last frame."""
        return self._maker.engine if self._on_built else self._standby_name

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
        with self.engine_for(frames.shape) as engine:
            return engine.stylize(frames, codes, statistics, statistics_weight, strength, out)

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
        return ready.engine.compute_ms if ready is not None and self._on_built else None

    def close(self) -> None:
        """See :meth:`hsi.runtime.engine.Engine.close`. A build underway ends first."""
        self._cancel.set()
        if self._building is not None:
            self._building.join(PATIENCE_S)
            if self._building.is_alive():
                told = "%s: waiting for the builder's step, after which the build ends"
                log.warning(told, self._maker.engine)
                self._building.join()
        with self._changing:
            standby, ready, self._standby, self._ready = self._standby, self._ready, None, None
        if self._failure is not None and not self._has_told:
            log.warning("%s: %s", self._maker.engine, self._failure)
        elif self._building is not None and not self._has_run and self._failure is None:
            told = "%s was asked for and ran no frame: the run was over before"
            log.warning(told, self._maker.engine)
        if ready is not None:
            self._retire(ready)
        if standby is not None:
            standby.close()

    @contextmanager
    def engine_for(self, shape: tuple[int, ...]) -> Iterator[Engine]:
        """What runs batches `(N, H, W, 3)` of a shape now; kept open until left."""
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
        """What was built for a shape; starts to build where there is nothing."""
        self._opened()
        if (shape[2], shape[1]) == self._golden:
            return None
        if self._failure is not None:
            self._has_told = True
            raise self._failure
        self._on_built = self._ready is not None and self._ready.profile.takes(shape)
        if self._on_built:
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
            log.info("%s: the build was cancelled", self._maker.engine)
            return
        except HsiError as error:
            self._failure = error
            return
        except Exception as error:  # in a thread of its own: the next frame tells
            told = " ".join(str(error).split())[:300]
            self._failure = EngineError(f"{self._maker.engine} failed: {told}")
            return
        with self._changing:
            before, self._ready = self._ready, _Ready(profile, engine)
        log.warning("%s: runs from the next frame on", self._maker.engine)
        if before is not None:
            self._retire(before)

    def _retire(self, ready: _Ready) -> None:
        with self._changing:
            while ready.users:
                self._changing.wait()
        ready.engine.close()
