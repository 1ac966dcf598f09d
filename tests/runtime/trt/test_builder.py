"""Builds, by the names and overloads of each version's bindings."""

from __future__ import annotations

import logging
import re
import sys
import threading

import pytest

from hsi.runtime.bundle import Bundle
from hsi.runtime.errors import EngineError
from hsi.runtime.trt.bindings import load_bindings, logger_for
from hsi.runtime.trt.build_progress import BuildProgress
from hsi.runtime.trt.builder import BuildCancelled, BuiltPlan, build_plan
from hsi.runtime.trt.options import TensorRtOptions
from hsi.runtime.trt.profile import profile_for
from tests.runtime.trt.fake_tensorrt import FakeTensorRt

PROFILE = profile_for((1, 96, 128, 3), (156, 118))


def built(
    tensorrt: FakeTensorRt,
    bundle: Bundle,
    cancel: threading.Event | None = None,
    options: TensorRtOptions | None = None,
    timings: bytes = b"known",
) -> BuiltPlan:
    graph = bundle.manifest.stylizer
    inputs = {one.name: one.shape for one in graph.inputs}
    with BuildProgress("building", cancel or threading.Event()) as progress:
        return build_plan(
            tensorrt.module,
            bundle.read(graph.part),
            inputs,
            PROFILE,
            options or TensorRtOptions(),
            progress,
            timings=timings,
        )


def test_a_plan_is_built_strongly_typed_within_its_profile(
    tensorrt: FakeTensorRt, bundle: Bundle
) -> None:
    made = built(tensorrt, bundle)

    (asked,) = tensorrt.builds
    strongly_typed = tensorrt.module.NetworkDefinitionCreationFlag.STRONGLY_TYPED
    assert asked["network"] == 1 << strongly_typed.value
    assert asked["pools"] == {}
    assert (asked["flags"], asked["cleared"]) == ([], ["TF32"])
    assert asked["profiles"][0]["frame"] == [[1, 96, 128, 3], [1, 96, 128, 3], [1, 118, 156, 3]]
    assert asked["timings"] == b"known"
    assert made.timings == b"knownt"
    assert bundle.read("stylizer.onnx") in made.plan


def test_a_version_compatible_plan_is_asked_for_by_its_flag(
    tensorrt: FakeTensorRt, bundle: Bundle
) -> None:
    built(tensorrt, bundle, options=TensorRtOptions(version_compatible=True))

    assert tensorrt.builds[0]["flags"] == ["VERSION_COMPATIBLE"]


def test_scratch_memory_has_a_limit_where_asked_for(tensorrt: FakeTensorRt, bundle: Bundle) -> None:
    built(tensorrt, bundle, options=TensorRtOptions(workspace_mib=64))

    assert tensorrt.builds[0]["pools"] == {"WORKSPACE": 64 << 20}


def test_tf32_is_left_on_where_asked_for(tensorrt: FakeTensorRt, bundle: Bundle) -> None:
    built(tensorrt, bundle, options=TensorRtOptions(tf32=True))

    assert tensorrt.builds[0]["cleared"] == []


@pytest.mark.parametrize("timings", [b"damaged", b"foreign"])
def test_timings_that_tensorrt_does_not_take_are_none(
    newest: FakeTensorRt, bundle: Bundle, timings: bytes
) -> None:
    built(newest, bundle, timings=timings)

    assert newest.builds[0]["timings"] == b""


def test_a_graph_that_does_not_parse_is_said_with_the_parsers_words(
    newest: FakeTensorRt, bundle: Bundle
) -> None:
    newest.parse_error = "node 3:\n UInt8 is not supported"

    match = r"TensorRT 11\.4\.0 does not parse the graph: node 3: UInt8 is not supported: hold the"
    with pytest.raises(EngineError, match=match):
        built(newest, bundle)


def test_a_graph_that_is_not_built_is_said_with_the_sizes(
    newest: FakeTensorRt, bundle: Bundle
) -> None:
    newest.fails = "build"

    match = re.escape("did not build the graph for 128x96 (128x96 to 156x118, 1 at once): see its")
    with pytest.raises(EngineError, match=match):
        built(newest, bundle)


def test_a_builder_that_is_not_made_is_an_error_of_ours(
    newest: FakeTensorRt, bundle: Bundle
) -> None:
    newest.fails = "factory"

    with pytest.raises(EngineError, match=r"TensorRT made no builder: .*nullptr: see its messages"):
        built(newest, bundle)


def test_a_build_ends_at_the_step_at_which_it_is_cancelled(
    newest: FakeTensorRt, bundle: Bundle
) -> None:
    cancel, steps = threading.Event(), []

    def at_step(step: int) -> None:
        steps.append(step)
        if step == 1:
            cancel.set()

    newest.at_step = at_step

    with pytest.raises(BuildCancelled, match="the build was cancelled"):
        built(newest, bundle, cancel)

    assert steps == [0, 1]


def test_progress_tells_the_phase_its_steps_and_the_time() -> None:
    progress = BuildProgress("building a.onnx", threading.Event())
    progress.start("Building", 4)
    progress.step("Building")
    progress.start("Timing", 10)

    assert re.fullmatch(r"building a.onnx: \d+ s, Building 1/4, Timing 0/10", progress.to_text())

    progress.finish("Timing")
    assert progress.to_text().endswith("Building 1/4")


def test_progress_is_told_while_a_step_takes_long(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    told = threading.Event()

    class Told(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            told.set()

    handler = Told()
    logging.getLogger("hsi.runtime.trt.build_progress").addHandler(handler)
    with BuildProgress("building", threading.Event(), told_every_s=0.01) as progress:
        progress.start("Building", 4)
        assert told.wait(10)
    logging.getLogger("hsi.runtime.trt.build_progress").removeHandler(handler)

    assert any("building: 0 s" in line for line in caplog.messages)


def test_messages_of_tensorrt_go_to_the_log(
    tensorrt: FakeTensorRt, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    severity = tensorrt.module.ILogger.Severity

    logger = logger_for(tensorrt.module)
    logger.log(severity.ERROR, "no\nmemory")
    logger.log(severity.VERBOSE, "a page")

    assert [(r.levelname, r.message) for r in caplog.records] == [("ERROR", "TensorRT: no memory")]


def test_bindings_that_are_not_there_say_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorrt", None)

    with pytest.raises(
        EngineError, match=r"tensorrt does not load .*: run pip install tensorrt, or"
    ):
        load_bindings()


def test_bindings_that_are_too_old_are_refused(
    newest: FakeTensorRt, monkeypatch: pytest.MonkeyPatch
) -> None:
    vars(newest.module)["__version__"] = "8.6.1"
    monkeypatch.setitem(sys.modules, "tensorrt", newest.module)

    with pytest.raises(EngineError, match=r"expected TensorRT 10\.3 or newer, found 8\.6\.1: "):
        load_bindings()
