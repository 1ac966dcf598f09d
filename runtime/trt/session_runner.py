"""A session of ONNX Runtime in the place of a plan."""

import logging
from collections import Counter

import onnxruntime as ort

from hsi.runtime.errors import EngineError
from hsi.runtime.host_runner import Arrays, HostRunner
from hsi.runtime.onnxruntime_engine import translated

log = logging.getLogger(__name__)

RECORD = "session.record_ep_graph_assignment_info"  # in the session's options, for `check_assigned`


class SessionRunner:
    """Runs batches from host memory. Calls from several threads are allowed.

    Args:
        session: Of the stylizer.
    """

    compute_ms: float | None = None  # not told: ways and kernels are one call

    def __init__(self, session: ort.InferenceSession) -> None:
        self._inputs = {one.name for one in session.get_inputs()}
        self._outputs = {one.name for one in session.get_outputs()}
        self._runner: HostRunner | None = HostRunner(session)

    def names(self) -> tuple[set[str], set[str]]:
        """Names of the inputs and of the outputs."""
        return self._inputs, self._outputs

    def run(self, feed: Arrays, into: Arrays) -> None:
        """See :meth:`hsi.runtime.trt.built_engine.Runner.run`."""
        runner = self._runner
        if runner is None:
            raise EngineError("this engine is closed: open the bundle again")
        try:
            runner.run(feed, into)
        except Exception as error:
            raise translated(error) from error

    def close(self) -> None:
        """Give the device back."""
        self._runner = None


def check_assigned(session: ort.InferenceSession, provider: str, engine: str) -> None:
    """See that a graph runs on a provider, which ONNX Runtime may leave out without a word.

    Args:
        session: Opened with ``RECORD``.
        provider: As ONNX Runtime calls it.
        engine: Who asked for it.

    Raises:
        EngineError: None of the graph runs there. Where a part does not, the log says which.
    """
    runs = session.get_providers()[0]
    if runs != provider:
        raise _fell_back(engine, runs)
    if not hasattr(session, "get_provider_graph_assignment_info"):
        log.info("this version of ONNX Runtime does not tell what %s leaves to others", provider)
        return
    told = session.get_provider_graph_assignment_info()
    taken = sum(len(part.get_nodes()) for part in told if part.ep_name == provider)
    left = Counter(
        (part.ep_name, node.op_type)
        for part in told
        if part.ep_name != provider
        for node in part.get_nodes()
    )
    if not taken:
        raise _fell_back(engine, ", ".join(sorted({name for name, _ in left})))
    if left:
        log.warning(
            "engine %s runs %d of %d nodes, the others run elsewhere: %s",
            engine,
            taken,
            taken + left.total(),
            ", ".join(f"{count} {op} on {name}" for (name, op), count in sorted(left.items())),
        )


def _fell_back(engine: str, to: str) -> EngineError:
    return EngineError(
        f"engine {engine} was asked for but ONNX Runtime fell back to {to}: check that TensorRT's "
        "libraries are of the version that this ONNX Runtime was built with, or ask for --engine "
        "auto"
    )
