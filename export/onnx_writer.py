"""From torch modules to ONNX bytes that keep the rules of the engines."""

import logging
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import onnx
import torch
from onnxscript import optimizer
from torch import Tensor, nn
from torch.export import Dim
from torch.onnx import OnnxExporterError

from hsi.calibrate.graph_edit import part_shared_weights, set_nodes
from hsi.export.graph import StyleEncoderGraph, StylizerGraph
from hsi.export.pad_pass import pad_as_it_lies
from hsi.export.rules import check_rules
from hsi.model import StyleNetwork
from hsi.runtime.errors import QualityError
from hsi.runtime.manifest import STYLE_ENCODER_NAMES, STYLIZER_NAMES

OPSET = 20  # the newest that TensorRT 10.0 to 10.3 (JetPack 6) parse
IR_VERSION = 10
MIN_SIDE, MAX_SIDE = 64, 8192


def style_encoder_onnx(network: StyleNetwork) -> bytes:
    """``style_encoder.onnx`` of a network.

    Raises:
        QualityError: The graph breaks a rule of the engines.
    """
    batch, height, width = Dim("N", min=1, max=64), *_sides()
    example = (torch.zeros(2, 96, 104, 3, dtype=torch.uint8),)
    shapes = ({0: batch, 1: height, 2: width},)
    # The graph runs once per style: the exporter's rewrites would take half of the time here, and
    # engines make their own. Folded constants are what the rules of the engines ask for.
    return _written(StyleEncoderGraph(network), example, shapes, STYLE_ENCODER_NAMES, rewrite=False)


def stylizer_onnx(network: StyleNetwork) -> bytes:
    """``stylizer.onnx`` of a network.

    Raises:
        QualityError: The graph breaks a rule of the engines.
    """
    batch, height, width = Dim("N", min=1, max=64), *_sides()
    example = (
        torch.zeros(2, 97, 105, 3, dtype=torch.uint8),
        torch.zeros(2, network.code_size),
        torch.zeros(2, network.statistics_size),
        torch.zeros(2, 1),
        torch.ones(2, 1),
    )
    per_frame: list[dict[int, Any]] = [{0: batch}] * 4
    shapes = ({0: batch, 1: height, 2: width}, *per_frame)
    return _written(StylizerGraph(network), example, shapes, STYLIZER_NAMES, rewrite=True)


def _sides() -> tuple[Dim, Dim]:
    return Dim("H", min=MIN_SIDE, max=MAX_SIDE), Dim("W", min=MIN_SIDE, max=MAX_SIDE)


def _written(
    module: nn.Module,
    example: tuple[Tensor, ...],
    shapes: tuple[dict[int, Any], ...],
    names: tuple[Sequence[str], Sequence[str]],
    *,
    rewrite: bool,
) -> bytes:
    try:
        model = exported(module, example, shapes, names, rewrite)
    except (OnnxExporterError, RuntimeError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise QualityError(f"{names[1][0]}: torch cannot write its graph: {reason}") from error
    model.ir_version = IR_VERSION
    drop_traces(model)
    _name_picture_sides(model)
    _cast_before_shapes(model)
    pad_as_it_lies(model)
    part_shared_weights(model)
    check_rules(model)
    data: bytes = model.SerializeToString()
    return data


def exported(
    module: nn.Module,
    example: tuple[Tensor, ...],
    shapes: tuple[dict[int, Any], ...],
    names: tuple[Sequence[str], Sequence[str]],
    rewrite: bool,
) -> onnx.ModelProto:
    """A module as an ONNX model, by torch's exporter.

    Args:
        module: Whose forward takes tensors and gives tensors.
        example: Inputs to trace it with.
        shapes: Which sides of each input are free.
        names: Of inputs and of outputs.
        rewrite: Let the exporter rewrite the graph; False folds constants alone.
    """
    exporter_log = logging.getLogger("torch.onnx")
    before = exporter_log.level
    # It tells of torchvision, which this project has no use for.
    exporter_log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")  # deprecations inside the exporter's own passes
            program = torch.onnx.export(
                module.eval(),
                example,
                dynamo=True,
                opset_version=OPSET,
                input_names=list(names[0]),
                output_names=list(names[1]),
                dynamic_shapes=shapes,
                optimize=rewrite,
                verbose=False,
            )
            assert program is not None
            if not rewrite:
                optimizer.fold_constants(program.model)
                optimizer.remove_unused_nodes(program.model)
    finally:
        exporter_log.setLevel(before)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "graph.onnx"
        program.save(path, external_data=False)
        return onnx.load(path)


def drop_traces(model: onnx.ModelProto) -> None:
    """Take out the exporter's notes: source lines of this machine and a name per node."""
    for node in model.graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    for value in [*model.graph.value_info, *model.graph.input, *model.graph.output]:
        del value.metadata_props[:]
    del model.metadata_props[:]
    del model.graph.metadata_props[:]


def _name_picture_sides(model: onnx.ModelProto) -> None:
    """Say (N, H, W, 3) of the picture that comes out: the exporter says how padding is cut off."""
    for value in model.graph.output:
        dims = value.type.tensor_type.shape.dim
        if len(dims) == 4:
            dims[1].dim_param, dims[2].dim_param = "H", "W"


def _cast_before_shapes(model: onnx.ModelProto) -> None:
    """Let shapes of pixels be asked of them as floats: TensorRT documents no Shape of uint8."""
    uint8 = onnx.TensorProto.UINT8
    pixels = {v.name for v in model.graph.input if v.type.tensor_type.elem_type == uint8}
    nodes = list(model.graph.node)
    casts = [node for node in nodes if node.op_type == "Cast" and node.input[0] in pixels]
    floats = {cast.input[0]: cast.output[0] for cast in casts}
    others = [node for node in nodes if node.op_type != "Cast" or node.input[0] not in pixels]
    for node in others:
        if node.op_type == "Shape" and node.input[0] in floats:
            node.input[0] = floats[node.input[0]]
    set_nodes(model, [*casts, *others])
