"""How far a build has come, said as it goes; and the word that ends it."""

import logging
import threading
import time
from types import TracebackType
from typing import Any

log = logging.getLogger(__name__)

TOLD_EVERY_S = 10.0


class BuildProgress:
    """One build, from entering to leaving. TensorRT calls it from several threads.

    Args:
        what: What is built.
        cancel: When set, the build ends at its next step.
        told_every_s: Seconds between lines in the log.
    """

    def __init__(
        self, what: str, cancel: threading.Event, told_every_s: float = TOLD_EVERY_S
    ) -> None:
        self.cancel = cancel
        self._what = what
        self._told_every_s = told_every_s
        self._lock = threading.Lock()
        self._phases: dict[str, list[int]] = {}  # steps done and steps in all, outermost first
        self._started_s = time.monotonic()
        self._done = threading.Event()
        self._teller = threading.Thread(target=self._tell, name="build-progress", daemon=True)

    def __enter__(self) -> "BuildProgress":
        self._started_s = time.monotonic()
        self._teller.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._done.set()
        self._teller.join()

    @property
    def seconds(self) -> float:
        """Since the build began."""
        return time.monotonic() - self._started_s

    def start(self, phase: str, steps: int) -> None:
        """A phase begins, within those begun before it."""
        with self._lock:
            self._phases[phase] = [0, max(steps, 1)]

    def step(self, phase: str) -> bool:
        """A step of a phase is done. Returns whether to go on."""
        with self._lock:
            if phase in self._phases:
                self._phases[phase][0] += 1
        return not self.cancel.is_set()

    def finish(self, phase: str) -> None:
        """A phase ends."""
        with self._lock:
            self._phases.pop(phase, None)

    def to_text(self) -> str:
        """What is being done, how much of it is done, and the time it has taken."""
        with self._lock:
            phases = [f"{name} {min(*counts)}/{counts[1]}" for name, counts in self._phases.items()]
        told = ", ".join(phases)
        return f"{self._what}: {self.seconds:.0f} s, {told or 'starting'}"

    def _tell(self) -> None:
        while not self._done.wait(self._told_every_s):
            log.info("%s", self.to_text())


def monitor_for(trt: Any, progress: BuildProgress) -> Any:
    """The object by which TensorRT's builder reports."""

    class Monitor(trt.IProgressMonitor):  # type: ignore[misc]
        def __init__(self) -> None:
            trt.IProgressMonitor.__init__(self)

        def phase_start(self, phase_name: str, parent_phase: str | None, num_steps: int) -> None:
            progress.start(phase_name, num_steps)

        def step_complete(self, phase_name: str, step: int) -> bool:
            return progress.step(phase_name)

        def phase_finish(self, phase_name: str) -> None:
            progress.finish(phase_name)

    return Monitor()
