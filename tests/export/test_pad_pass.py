from __future__ import annotations

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime as ort
import pytest
from onnx import parser

from hsi.export.pad_pass import pad_as_it_lies


def volume(axis: int) -> onnx.ModelProto:
    """A picture padded by 2 above, 1 on the left, 3 below and 4 on the right, as a volume."""
    edges = [0] * 10
    for side, (before, after) in zip((2, 3), ((2, 3), (1, 4)), strict=True):
        edges[side], edges[side + 5] = before, after
    text = f"""
    <ir_version: 10, opset_import: ["" : 20]>
    padded (float[N, H, W, 3] x) => (float[N, I, J, 3] y)
    <int64[1] depth = {{{axis}}}, int64[10] edges = {{{", ".join(map(str, edges))}}}> {{
        [lift] v = Unsqueeze (x, depth)
        [pad] p = Pad <mode="edge"> (v, edges)
        [drop] y = Squeeze (p, depth)
    }}"""
    return parser.parse_model(text)


def run(model: onnx.ModelProto) -> npt.NDArray[np.float32]:
    x = np.random.default_rng(0).random((2, 5, 4, 3), np.float32)
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {"x": x})[0], np.float32)


def test_a_picture_padded_as_a_volume_is_padded_as_it_lies() -> None:
    model = volume(axis=1)
    before = run(model)

    pad_as_it_lies(model)

    onnx.checker.check_model(model, full_check=True)
    assert [node.op_type for node in model.graph.node] == ["Gather", "Pad"]
    assert before.shape == (2, 10, 9, 3)
    assert np.array_equal(run(model), before)


@pytest.mark.parametrize("axis", [0, 4])
def test_another_volume_is_left_alone(axis: int) -> None:
    model = volume(axis)

    pad_as_it_lies(model)

    assert [node.op_type for node in model.graph.node] == ["Unsqueeze", "Pad", "Squeeze"]
