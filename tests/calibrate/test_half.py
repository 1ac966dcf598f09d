"""FP16 graphs: the picture in half precision, statistics in full."""

from collections.abc import Callable

import numpy as np
import onnx
import pytest
from onnx import shape_inference

from hsi.calibrate.gate import Gate
from hsi.calibrate.graph_edit import constants, set_constant
from hsi.calibrate.half import half
from hsi.calibrate.stylizer_run import StylizerRun
from hsi.runtime.errors import QualityError

FLOAT, FLOAT16 = onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16


@pytest.fixture(scope="module")
def fp16(stylizer: onnx.ModelProto) -> onnx.ModelProto:
    return half(stylizer)


def elements(model: onnx.ModelProto) -> dict[str, int]:
    graph = shape_inference.infer_shapes(model, strict_mode=True).graph
    values = [*graph.value_info, *graph.input, *graph.output]
    return {value.name: value.type.tensor_type.elem_type for value in values}


def test_convolutions_are_in_half_precision(fp16: onnx.ModelProto) -> None:
    found = elements(fp16)

    assert [found[name] for name in ("stem", "body", "head", "clipped")] == [FLOAT16] * 4
    assert constants(fp16)["network.body.weight.half"].dtype == np.float16


def test_statistics_are_in_full_precision(fp16: onnx.ModelProto) -> None:
    found = elements(fp16)

    assert [found[name] for name in ("own", "apart", "share", "statistics_used")] == [FLOAT] * 4


def test_the_borders_are_those_of_the_float_graph(
    fp16: onnx.ModelProto, stylizer: onnx.ModelProto
) -> None:
    assert list(fp16.graph.input) == list(stylizer.graph.input)
    assert list(fp16.graph.output) == list(stylizer.graph.output)


def test_a_value_is_cast_once_for_all_that_read_it(fp16: onnx.ModelProto) -> None:
    names = [name for node in fp16.graph.node for name in node.output]

    assert len(names) == len(set(names))


def test_the_picture_is_that_of_fp32(fp16: onnx.ModelProto, gate: Gate) -> None:
    assert gate.judge(StylizerRun(fp16, threads=1), "fp16").psnr >= 45


def test_no_double_precision_constants_are_left(fp16: onnx.ModelProto) -> None:
    read = {name for node in fp16.graph.node for name in node.input}

    assert set(constants(fp16)) <= read


def test_a_weight_beyond_fp16_is_refused(make_stylizer: Callable[..., onnx.ModelProto]) -> None:
    model = make_stylizer()
    set_constant(model, "network.body.weight", np.full((8, 8, 1, 1), 1e6, np.float32))

    with pytest.raises(QualityError, match="expected values that FP16 holds, found 1e"):
        half(model)
