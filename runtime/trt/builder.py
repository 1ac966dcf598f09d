"""From an ONNX graph to a plan, as TensorRT calls an engine that is built."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hsi.runtime.errors import EngineError
from hsi.runtime.trt.bindings import logger_for, made, network_flags
from hsi.runtime.trt.build_progress import BuildProgress, monitor_for
from hsi.runtime.trt.options import TensorRtOptions
from hsi.runtime.trt.profile import Profile, Shape


class BuildCancelled(EngineError):
    """Whoever asked for the plan wants it no more."""


@dataclass(frozen=True, kw_only=True, eq=False)
class BuiltPlan:
    """A plan and what the builder learnt on the way."""

    plan: bytes
    timings: bytes  # timing cache, for the next build on this machine


def build_plan(
    trt: Any,
    graph: bytes,
    inputs: Mapping[str, tuple[int | str, ...]],
    profile: Profile,
    options: TensorRtOptions,
    progress: BuildProgress,
    timings: bytes = b"",
) -> BuiltPlan:
    """Build a plan; takes minutes.

    Precision is that of the graph: FP16 by its types, INT8 by its Q/DQ pairs, in all versions.

    Args:
        trt: The bindings.
        graph: The ONNX file.
        inputs: Shapes of its inputs, in which "N", "H" and "W" are free.
        profile: The sizes that it must take.
        options: How to build.
        progress: Told each step, asked at each whether to go on.
        timings: A timing cache of an earlier build, or nothing.

    Raises:
        BuildCancelled: ``progress`` said so.
        EngineError: TensorRT does not parse or build the graph.
    """
    logger = logger_for(trt)
    builder = made("builder", trt.Builder, logger)
    network = made("network", builder.create_network, network_flags(trt))
    parser = made("parser", trt.OnnxParser, network, logger)
    if not parser.parse(graph):
        told = "; ".join(parser.get_error(n).desc() for n in range(parser.num_errors))
        raise EngineError(
            f"TensorRT {trt.__version__} does not parse the graph: {' '.join(told.split())[:300]}: "
            "hold the export against hsi-export --target tensorrt"
        )
    config = made("configuration", builder.create_builder_config)
    _configure(trt, config, options)
    _add_profile(builder, config, profile.shapes(inputs))
    _start_timings(config, timings)
    monitor = monitor_for(trt, progress)
    config.progress_monitor = monitor
    plan = builder.build_serialized_network(network, config)
    if progress.cancel.is_set():
        raise BuildCancelled("the build was cancelled")
    if plan is None:
        raise EngineError(
            f"TensorRT {trt.__version__} did not build the graph for {profile.to_text()}: see its "
            "messages with -vv; where it says OutOfMemory, use smaller frames, or a larger "
            "workspace_mib if you set one"
        )
    learnt = config.get_timing_cache()
    return BuiltPlan(plan=bytes(plan), timings=b"" if learnt is None else bytes(learnt.serialize()))


def _configure(trt: Any, config: Any, options: TensorRtOptions) -> None:
    if options.workspace_mib is not None:
        config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, options.workspace_mib << 20)
    config.builder_optimization_level = options.optimization_level
    if not options.tf32:
        config.clear_flag(trt.BuilderFlag.TF32)
    if options.version_compatible:
        config.set_flag(trt.BuilderFlag.VERSION_COMPATIBLE)


def _start_timings(config: Any, timings: bytes) -> None:
    """Take those of before where TensorRT does; damaged ones, or another version's, are none."""
    for data in (timings, b""):
        cache = config.create_timing_cache(data)
        if cache is not None and config.set_timing_cache(cache, False):
            return


def _add_profile(builder: Any, config: Any, shapes: Mapping[str, tuple[Shape, ...]]) -> None:
    profile = builder.create_optimization_profile()
    for name, (least, best, most) in shapes.items():
        profile.set_shape(name, least, best, most)
    if config.add_optimization_profile(profile) < 0:
        raise EngineError(f"TensorRT refuses the sizes {dict(shapes)}: report it")
