"""FP16 by types in the graph: the picture in half precision, its statistics in full."""

from collections.abc import Generator, Iterator

import numpy as np
import onnx
from onnx import checker, shape_inference

from hsi.calibrate.graph_edit import Array, constants, copied, node_of, set_constant, set_nodes
from hsi.calibrate.quantised_rules import check_quantised
from hsi.runtime.errors import QualityError

FLOAT, FLOAT16 = onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16
# A square of features or a sum over all pixels is beyond FP16's 65504.
STATISTICS = frozenset("ReduceMean ReduceL2 ReduceSum Gemm Pow Sqrt Reciprocal Log".split())
PICTURE_RANK = 3  # (N, H, 3 W); statistics and codes are (N, C)
LARGEST = 65504.0


def half(model: onnx.ModelProto) -> onnx.ModelProto:
    """The graph with whatever has a picture's shape in FP16, strongly typed.

    Moments, their square roots, lambda_g and style codes stay FP32, as do all inputs and outputs:
    a cast stands wherever a value passes from one to the other.

    Args:
        model: A float stylizer graph.

    Raises:
        QualityError: A weight is beyond FP16, or the result breaks a rule of the engines.
    """
    float_model, model = model, copied(model)
    types = _Types(model)
    nodes: list[onnx.NodeProto] = []
    for node in list(model.graph.node):
        nodes += types.converted(node)
    set_nodes(model, nodes)
    del model.graph.value_info[:]  # told the types of before
    checker.check_model(model, full_check=True)
    check_quantised(model, float_model)
    return model


class _Types:
    """Which precision each float tensor has, and the casts made so far."""

    def __init__(self, model: onnx.ModelProto) -> None:
        self._model = model
        self._constants = constants(model)
        inferred = shape_inference.infer_shapes(model, data_prop=True).graph
        values = [*inferred.value_info, *inferred.input, *inferred.output]
        self._element = {v.name: v.type.tensor_type.elem_type for v in values}
        self._rank = {v.name: len(v.type.tensor_type.shape.dim) for v in values}
        self._outputs = {v.name for v in model.graph.output}
        self._half: set[str] = set()
        self._cast: set[str] = set()

    def converted(self, node: onnx.NodeProto) -> Iterator[onnx.NodeProto]:
        """The node in its precision, after the casts that it needs first."""
        in_half = self._is_picture_work(node)
        for place, name in enumerate(node.input):
            # Sizes to resize to are FP32 by the operator's definition.
            if name and self._is_float(name) and not (node.op_type == "Resize" and place):
                node.input[place] = yield from self._as(name, in_half)
        if in_half:
            self._half |= set(node.output)
            for attribute in node.attribute:
                if node.op_type == "Cast" and attribute.name == "to":
                    attribute.i = FLOAT16
        yield node

    def _is_picture_work(self, node: onnx.NodeProto) -> bool:
        name = node.output[0]
        return (
            self._is_float(name)
            and name not in self._outputs
            and node.op_type not in STATISTICS
            and self._rank.get(name, 0) >= PICTURE_RANK
        )

    def _is_float(self, name: str) -> bool:
        if name in self._constants:
            return self._constants[name].dtype == np.float32
        return self._element.get(name) == FLOAT

    def _as(self, name: str, in_half: bool) -> Generator[onnx.NodeProto, None, str]:
        if name in self._constants:
            return self._half_constant(name) if in_half else name
        if (name in self._half) == in_half:
            return name
        cast = f"{name}.{'half' if in_half else 'full'}"
        if cast not in self._cast:
            self._cast.add(cast)
            yield node_of("Cast", [name], cast, to=FLOAT16 if in_half else FLOAT)
        return cast

    def _half_constant(self, name: str) -> str:
        values: Array = self._constants[name]
        if float(np.abs(values).max(initial=0)) > LARGEST:
            raise QualityError(
                f"{name}: expected values that FP16 holds, found {np.abs(values).max():.3g}: "
                "export this network at FP32"
            )
        set_constant(self._model, f"{name}.half", values.astype(np.float16))
        return f"{name}.half"
