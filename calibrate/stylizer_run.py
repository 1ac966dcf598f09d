"""A stylizer graph, straight from its bytes, on ONNX Runtime: frame and style code in."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime as ort
from onnx import helper

from hsi.calibrate.graph_edit import copied
from hsi.runtime.errors import EngineError
from hsi.runtime.frame import Image
from hsi.runtime.onnxruntime_engine import PROVIDERS, translated

Vectors = npt.NDArray[np.float32]
CPU = "onnxruntime-cpu"


class StylizerRun:
    """One stylizer graph, or the tensors inside it, in ONNX Runtime.

    Args:
        model: The graph.
        tensors: Names of tensors inside, for :meth:`tensors`.
        threads: CPU threads; None for all cores.
        engine: One of :data:`hsi.runtime.onnxruntime_engine.PROVIDERS`. ``name`` tells what runs:
            where CUDA does not, ONNX Runtime falls back to the CPU.

    Raises:
        EngineError: ONNX Runtime does not take the graph; later, that it does not run.
    """

    def __init__(
        self,
        model: onnx.ModelProto,
        tensors: Sequence[str] = (),
        threads: int | None = None,
        engine: str = CPU,
    ) -> None:
        self._inside = list(dict.fromkeys(tensors))
        shown = copied(model)
        for name in self._inside:
            value = helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None)
            shown.graph.output.append(value)
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads or 0
        options.log_severity_level = 3
        self._session = _session(shown.SerializeToString(), options, PROVIDERS[engine])
        self.name = engine if PROVIDERS[engine] in self._session.get_providers() else CPU
        self._size = statistics_size(model)
        self.code_size = _vector_size(model, "style_code")

    def stylise(self, frame: Image, code: Vectors) -> Image:
        """A frame `(H, W, 3) uint8 BGR` in a style of code `(K,)`, at full strength."""
        (stylised,) = self._run(["stylised"], frame, code)
        return np.asarray(stylised[0], np.uint8)

    def statistics(self, frame: Image, code: Vectors) -> Vectors:
        """The frame's own statistics, `(S,)`."""
        (used,) = self._run(["statistics_used"], frame, code)
        return np.asarray(used[0], np.float32)

    def tensors(self, frame: Image, code: Vectors) -> dict[str, Vectors]:
        """The float32 tensors asked for, by name."""
        found = self._run(self._inside, frame, code)
        return dict(zip(self._inside, found, strict=True))

    def _run(self, names: list[str], frame: Image, code: Vectors) -> list[Any]:
        try:
            found: list[Any] = self._session.run(names, stylizer_feed(frame, code, self._size))
        except Exception as error:
            raise translated(error) from error
        return found


def stylizer_feed(frame: Image, code: Vectors, statistics_size: int) -> dict[str, Any]:
    """The stylizer's inputs for one frame: its own statistics, full strength."""
    return {
        "frame": np.ascontiguousarray(frame[np.newaxis]),
        "style_code": np.asarray(code, np.float32).reshape(1, -1),
        "statistics": np.zeros((1, statistics_size), np.float32),
        "statistics_weight": np.zeros((1, 1), np.float32),
        "strength": np.ones((1, 1), np.float32),
    }


def statistics_size(model: onnx.ModelProto) -> int:
    """Floats in the statistics vector of a stylizer graph.

    Raises:
        EngineError: The graph has no such input.
    """
    return _vector_size(model, "statistics")


def _vector_size(model: onnx.ModelProto, name: str) -> int:
    for value in model.graph.input:
        if value.name == name:
            return int(value.type.tensor_type.shape.dim[1].dim_value)
    raise EngineError(f"stylizer: expected an input called {name}, found none: export it again")


def encode_styles(style_encoder: bytes, styles: Sequence[Image]) -> list[Vectors]:
    """Codes `(K,)` of style pictures `(H, W, 3) uint8 BGR` by a bundle's style encoder.

    Raises:
        EngineError: ONNX Runtime does not take the graph or does not run it.
    """
    options = ort.SessionOptions()
    options.log_severity_level = 3
    session = _session(style_encoder, options)
    try:
        return [session.run(None, {"style": style[np.newaxis]})[0][0] for style in styles]
    except Exception as error:
        raise translated(error) from error


def _session(
    data: bytes, options: ort.SessionOptions, provider: str = PROVIDERS[CPU]
) -> ort.InferenceSession:
    try:
        return ort.InferenceSession(data, options, providers=[provider])
    except Exception as error:
        raise translated(error, "stylizer: ") from error
