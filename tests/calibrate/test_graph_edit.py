import numpy as np
import onnx
from onnx import TensorProto, helper

from hsi.calibrate.graph_edit import constants, convolutions, part_shared_weights, set_constant


def test_a_layer_that_runs_twice_becomes_two_of_the_same_weights() -> None:
    sides: list[str | int | None] = ["N", 3, "H", "W"]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, sides) for name in ("in", "out")]
    names = ["a.conv.weight", "a.conv.bias"]
    nodes = [
        helper.make_node("Conv", ["in", *names], ["between"]),
        helper.make_node("Conv", ["between", *names], ["out"]),
    ]
    model = helper.make_model(helper.make_graph(nodes, "twice", ends[:1], ends[1:]))
    weight, bias = np.ones((3, 3, 1, 1), np.float32), np.arange(3, dtype=np.float32)
    set_constant(model, names[0], weight)
    set_constant(model, names[1], bias)

    part_shared_weights(model)

    onnx.checker.check_model(model)
    assert list(convolutions(model)) == ["a.conv", "a.conv.2"]
    assert list(model.graph.node[1].input) == ["between", "a.conv.2.weight", "a.conv.2.bias"]
    assert np.array_equal(constants(model)["a.conv.2.weight"], weight)
    assert np.array_equal(constants(model)["a.conv.2.bias"], bias)
    part_shared_weights(model)
    assert list(convolutions(model)) == ["a.conv", "a.conv.2"]
