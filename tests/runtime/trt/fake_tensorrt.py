"""A TensorRT that runs on the processor, with the names of the real bindings alone.

Whatever a caller touches must be in the surface dumped of a real version, and each call must fit an
overload listed there; else AttributeError or TypeError, as from the real thing. What the
calls do is scripted here: plans hold the graph, and ONNX Runtime computes it.
"""

from __future__ import annotations

import json
import types
from collections.abc import Callable
from typing import Any

import numpy as np
import onnxruntime as ort

from tests.runtime.trt.fake_cuda import FakeCuda
from tests.runtime.trt.surface import enumeration, fits, surface_of

TYPES = {"tensor(uint8)": np.uint8, "tensor(float)": np.float32}


class FakeTensorRt:
    """One version of TensorRT on one GPU, to be scripted.

    Args:
        title: Of the dumped surface.
        cuda: Where engines find their tensors.
    """

    def __init__(self, title: str, cuda: FakeCuda) -> None:
        self.surface = surface_of(title)
        self.cuda = cuda
        self.gpu = "Fake GPU"
        self.builds: list[dict[str, Any]] = []  # what each build was asked for
        self.at_step: Callable[[int], None] = lambda step: None
        self.parse_error = ""  # of the parser
        self.fails = ""  # "factory", "builder", "build" or "runtime"
        self.module = self._module(title)

    def _module(self, title: str) -> Any:
        module = types.ModuleType("tensorrt")
        vars(module)["__version__"] = f"{title.partition('-')[2]}"
        for name, members in self.surface["enums"].items():
            setattr(module, name, enumeration(name, members))
        for name in sorted(self.surface["classes"], key=lambda name: name == "Logger"):
            setattr(module, name, self._class(module, name))
        return module

    def _class(self, module: Any, name: str) -> type:
        told = self.surface["classes"][name]
        world = self
        allowed = {*told["attributes"], "_made"}

        def init(self: Any, *arguments: Any, **named: Any) -> None:
            if not fits(told["init"], arguments, named):
                raise TypeError(f"{name}(): incompatible constructor arguments")
            maker = getattr(world, f"_new_{name}", None)
            self._made = maker(*arguments) if maker else {}

        def set_attribute(self: Any, attribute: str, value: Any) -> None:
            # A class made in Python of one of pybind11's takes any attribute; those here do not.
            if type(self).__init__ is init and attribute not in allowed:
                raise AttributeError(f"{name} of {world.module.__version__} has no {attribute!r}")
            object.__setattr__(self, attribute, value)

        members: dict[str, Any] = {"__init__": init, "__setattr__": set_attribute}
        for method, overloads in told["methods"].items():
            members[method] = self._method(name, method, overloads)
        for inner, values in told["enums"].items():
            members[inner] = enumeration(inner, values)
        bases = (getattr(module, told["base"]),) if told["base"] and name == "Logger" else ()
        return type(name, bases, members)

    def _method(self, cls: str, method: str, overloads: list[list[str]]) -> Any:
        def call(this: Any, *arguments: Any, **named: Any) -> Any:
            if not fits(overloads, arguments, named):
                raise TypeError(f"{cls}.{method}(): incompatible function arguments")
            return getattr(self, f"_{cls}_{method}")(this, *arguments, **named)

        return call

    def make(self, cls: str, **state: Any) -> Any:
        """An object of a class that callers do not construct themselves."""
        one = object.__new__(getattr(self.module, cls))
        object.__setattr__(one, "_made", state)
        return one

    def _new_Builder(self, logger: Any) -> dict[str, Any]:
        if self.fails == "factory":
            raise TypeError("pybind11::init(): factory function returned nullptr")
        return {"logger": logger}

    def _Builder_create_network(self, builder: Any, flags: int = 0) -> Any:
        return self.make("INetworkDefinition", flags=flags)

    def _Builder_create_builder_config(self, builder: Any) -> Any:
        return self.make("IBuilderConfig", flags=[], cleared=[], pools={}, profiles=[], timings=b"")

    def _Builder_create_optimization_profile(self, builder: Any) -> Any:
        return self.make("IOptimizationProfile", shapes={})

    def _IOptimizationProfile_set_shape(
        self, profile: Any, name: str, least: Any, best: Any, most: Any
    ) -> None:
        profile._made["shapes"][name] = [list(least), list(best), list(most)]

    def _new_OnnxParser(self, network: Any, logger: Any) -> dict[str, Any]:
        return {"network": network}

    def _OnnxParser_parse(self, parser: Any, model: bytes, path: str = "") -> bool:
        parser._made["network"]._made["graph"] = model
        object.__setattr__(parser, "num_errors", int(bool(self.parse_error)))
        return not self.parse_error

    def _OnnxParser_get_error(self, parser: Any, index: int) -> Any:
        return self.make("ParserError", text=self.parse_error)

    def _ParserError_desc(self, error: Any) -> str:
        return str(error._made["text"])

    def _IBuilderConfig_set_memory_pool_limit(self, config: Any, pool: Any, size: int) -> None:
        config._made["pools"][pool.name] = size

    def _IBuilderConfig_set_flag(self, config: Any, flag: Any) -> None:
        config._made["flags"].append(flag.name)

    def _IBuilderConfig_clear_flag(self, config: Any, flag: Any) -> None:
        config._made["cleared"].append(flag.name)

    def _IBuilderConfig_add_optimization_profile(self, config: Any, profile: Any) -> int:
        config._made["profiles"].append(profile._made["shapes"])
        return len(config._made["profiles"]) - 1

    def _IBuilderConfig_create_timing_cache(self, config: Any, data: bytes) -> Any:
        if data.startswith(b"damaged"):
            return None
        return self.make("ITimingCache", data=data)

    def _IBuilderConfig_set_timing_cache(self, config: Any, cache: Any, ignore: bool) -> bool:
        if cache._made["data"].startswith(b"foreign"):
            return False
        config._made["timings"] = cache._made["data"]
        return True

    def _IBuilderConfig_get_timing_cache(self, config: Any) -> Any:
        return self.make("ITimingCache", data=config._made["timings"] + b"t")

    def _ITimingCache_serialize(self, cache: Any) -> bytes:
        return bytes(cache._made["data"])

    def _Builder_build_serialized_network(self, builder: Any, network: Any, config: Any) -> Any:
        asked = {
            name: config._made[name]
            for name in ("flags", "cleared", "pools", "profiles", "timings")
        }
        self.builds.append({**asked, "network": network._made["flags"]})
        monitor = config.progress_monitor
        monitor.phase_start("Building", None, 3)
        for step in range(3):
            self.at_step(step)
            if not monitor.step_complete("Building", step):
                return None
        monitor.phase_finish("Building")
        if self.fails == "build":
            return None
        head = {"version": self.module.__version__, "gpu": self.gpu, **asked, "timings": ""}
        return json.dumps(head).encode() + b"\0" + network._made["graph"]

    def _new_Runtime(self, logger: Any) -> dict[str, Any]:
        return {"logger": logger}

    def _Runtime_deserialize_cuda_engine(self, runtime: Any, plan: bytes) -> Any:
        text, _, graph = plan.partition(b"\0")
        head = json.loads(text)
        compatible = "VERSION_COMPATIBLE" in head["flags"] and runtime.engine_host_code_allowed
        if self.fails == "runtime" or head["gpu"] != self.gpu:
            return None
        if head["version"] != self.module.__version__ and not compatible:
            return None
        session = ort.InferenceSession(graph, _one_thread(), providers=["CPUExecutionProvider"])
        engine = self.make("ICudaEngine", session=session, profile=head["profiles"][0])
        count = len([*session.get_inputs(), *session.get_outputs()])
        object.__setattr__(engine, "num_io_tensors", count)
        return engine

    def _ICudaEngine_get_tensor_name(self, engine: Any, index: int) -> str:
        session = engine._made["session"]
        return str([*session.get_inputs(), *session.get_outputs()][index].name)

    def _ICudaEngine_get_tensor_mode(self, engine: Any, name: str) -> Any:
        inputs = {one.name for one in engine._made["session"].get_inputs()}
        return self.module.TensorIOMode["INPUT" if name in inputs else "OUTPUT"]

    def _ICudaEngine_create_execution_context(self, engine: Any) -> Any:
        return self.make("IExecutionContext", engine=engine, shapes={}, addresses={})

    def _IExecutionContext_set_input_shape(self, context: Any, name: str, shape: Any) -> bool:
        least, _, most = context._made["engine"]._made["profile"][name]
        context._made["shapes"][name] = tuple(shape)
        return all(a <= b <= c for a, b, c in zip(least, shape, most, strict=True))

    def _IExecutionContext_infer_shapes(self, context: Any) -> list[str]:
        inputs = context._made["engine"]._made["session"].get_inputs()
        return [one.name for one in inputs if one.name not in context._made["shapes"]]

    def _IExecutionContext_get_tensor_shape(self, context: Any, name: str) -> tuple[int, ...]:
        shapes: dict[str, tuple[int, ...]] = context._made["shapes"]
        same = {"stylised": "frame", "statistics_used": "statistics"}
        return shapes[same.get(name, name)]

    def _IExecutionContext_set_tensor_address(self, context: Any, name: str, memory: int) -> bool:
        context._made["addresses"][name] = memory
        return True

    def _IExecutionContext_execute_async_v3(self, context: Any, stream_handle: int) -> bool:
        state = context._made
        session = state["engine"]._made["session"]

        def view(one: Any) -> Any:
            shape = self._IExecutionContext_get_tensor_shape(context, one.name)
            return self.cuda.array(state["addresses"][one.name], shape, TYPES[one.type])

        def work() -> None:
            made = session.run(None, {one.name: view(one) for one in session.get_inputs()})
            for one, value in zip(session.get_outputs(), made, strict=True):
                view(one)[...] = value

        self.cuda.enqueue(stream_handle, work)
        return True


def _one_thread() -> ort.SessionOptions:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    return options
