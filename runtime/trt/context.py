"""What every way of running a batch says to its execution context."""

from collections.abc import Mapping
from typing import Any

from hsi.runtime.errors import EngineError

Shapes = Mapping[str, tuple[int, ...]]


def bind_shapes(context: Any, inputs: Shapes, outputs: Shapes) -> None:
    """Set the shapes of inputs, and see that outputs have those expected.

    Raises:
        EngineError: A shape is outside of the plan, or an output has another.
    """
    for name, shape in inputs.items():
        if not context.set_input_shape(name, shape):
            raise EngineError(
                f"TensorRT refuses {name} of shape {shape}: expected one within its plan"
            )
    if missing := context.infer_shapes():
        raise EngineError(f"TensorRT misses the shape of {', '.join(missing)}: report it")
    for name, shape in outputs.items():
        found = tuple(context.get_tensor_shape(name))
        if found != shape:
            raise EngineError(
                f"TensorRT gives {name} of shape {found}, expected {shape}: export the bundle again"
            )


def bind_address(context: Any, name: str, address: int) -> None:
    """Say where a tensor lies on the device.

    Raises:
        EngineError: There is no such tensor.
    """
    if not context.set_tensor_address(name, address):
        raise EngineError(f"TensorRT takes no address for {name}: export the bundle again")


def execute(context: Any, stream: Any) -> None:
    """Enqueue the kernels.

    Raises:
        EngineError: TensorRT refused.
    """
    if not context.execute_async_v3(int(stream)):
        raise EngineError("TensorRT failed to run: see its messages with -vv")
