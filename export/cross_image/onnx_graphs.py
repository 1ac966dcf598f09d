"""The graphs of a cross-image bundle as ONNX: standard operators, one size, any number of rows."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn
from torch.export import Dim
from torch.onnx import OnnxExporterError

from hsi.appearance import DiffusionModel
from hsi.appearance.layers import decoder_layers
from hsi.export.cross_image.graphs import DecoderGraph, EncoderGraph, UnetGraph
from hsi.export.onnx_writer import IR_VERSION, drop_traces, exported
from hsi.runtime.appearance.manifest import DECODER_NAMES, ENCODER_NAMES, unet_names
from hsi.runtime.errors import OptionError, QualityError

MAX_ROWS = 256
PROTOBUF_LIMIT = 2**31 - 2**20  # bytes of one ONNX file; the rest is for its text


def encoder_onnx(model: DiffusionModel, width: int, height: int) -> onnx.ModelProto:
    """Pictures to latents, one at a time.

    Raises:
        QualityError: torch cannot write it.
    """
    example = (torch.zeros(1, height, width, 3, dtype=torch.uint8),)
    return _written(EncoderGraph(model), example, ({},), ENCODER_NAMES)


def decoder_onnx(model: DiffusionModel, latent_shape: Sequence[int]) -> onnx.ModelProto:
    """Latents to pictures, one at a time.

    Raises:
        QualityError: torch cannot write it.
    """
    return _written(DecoderGraph(model), (torch.zeros(1, *latent_shape),), ({},), DECODER_NAMES)


def unet_onnx(model: DiffusionModel, latent_shape: Sequence[int]) -> onnx.ModelProto:
    """The U-Net, with any number of rows and of rows in its bank.

    Raises:
        QualityError: torch cannot write it.
    """
    rows, foreign = 2, 3
    widths = [found.module.to_q.out_features for found in decoder_layers(model.unet)]
    tokens = [
        (latent_shape[1] // layer.factor) * (latent_shape[2] // layer.factor)
        for layer in model.layers
    ]
    ones = torch.ones(2, rows)
    index = torch.zeros(2, rows, dtype=torch.int64)
    features = [
        torch.zeros(count, tokens_of, width)
        for tokens_of, width in zip(tokens, widths, strict=True)
        for count in (foreign, foreign, rows)
    ]
    example = (
        torch.zeros(rows, *latent_shape),
        torch.ones(rows, dtype=torch.int64),
        model.context.expand(rows, -1, -1).clone(),
        *(index, ones, ones.clone(), ones.clone()),
        *(torch.tensor(1.0), torch.tensor(1.0)),
        *features,
    )
    n, m = Dim("N", min=1, max=MAX_ROWS), Dim("M", min=1, max=MAX_ROWS)
    shapes: tuple[Any, ...] = (
        *({0: n},) * 3,
        *({1: n},) * 4,
        *({},) * 2,
        tuple({0: d} for _ in widths for d in (m, m, n)),
    )
    names = unet_names(len(widths), words=bool(model.noun_tokens))
    return _written(UnetGraph(model), example, shapes, names)


def serialised(model: onnx.ModelProto, *, half: bool) -> bytes:
    """The bytes of a graph.

    Args:
        model: Changed, where `half`.
        half: Store as float16 what float16 holds exactly, and cast it before it is used: half of
            the size where weights were rounded before, and arithmetic as before.

    Raises:
        OptionError: It is larger than an ONNX file may be.
    """
    if half:
        _halve(model)
    size = sum(len(one.raw_data) for one in model.graph.initializer)
    if size > PROTOBUF_LIMIT:
        raise OptionError(
            f"a graph takes {size / 2**30:.1f} GiB, an ONNX file at most 2: pass --half-weights"
        )
    data: bytes = model.SerializeToString()
    return data


def _written(
    module: nn.Module,
    example: tuple[Tensor, ...],
    shapes: tuple[Any, ...],
    names: tuple[Sequence[str], Sequence[str]],
) -> onnx.ModelProto:
    try:
        model = exported(module, example, shapes, names, False)
    except (OnnxExporterError, RuntimeError, ValueError) as error:
        reason = " ".join(str(error).split())[:300]
        raise QualityError(f"{names[1][0]}: torch cannot write its graph: {reason}") from error
    model.ir_version = IR_VERSION
    drop_traces(model)
    foreign = sorted({node.domain for node in model.graph.node} - {""})
    if foreign or model.functions:
        raise QualityError(f"{names[1][0]}: expected standard operators, found those of {foreign}")
    return model


def _halve(model: onnx.ModelProto) -> None:
    casts = []
    for one in model.graph.initializer:
        if one.data_type != TensorProto.FLOAT or np.prod(one.dims) < 256:
            continue
        name, values = one.name, numpy_helper.to_array(one)
        with np.errstate(over="ignore"):
            halves = values.astype(np.float16)
        if not np.array_equal(halves, values):
            continue
        one.CopyFrom(numpy_helper.from_array(halves, f"{name}.half"))
        casts.append(helper.make_node("Cast", [f"{name}.half"], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
