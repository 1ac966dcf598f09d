"""The manifest of an exported diffusion model."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timezone

import onnx
from onnx import helper

from hsi.appearance import DiffusionModel
from hsi.export.exporter import version_of
from hsi.export.onnx_writer import IR_VERSION, OPSET
from hsi.runtime.appearance.manifest import AppearanceManifest
from hsi.runtime.bundle import part_of
from hsi.runtime.family import CROSS_IMAGE
from hsi.runtime.manifest import Graph, Licence, Tensor

ENCODER, DECODER, UNET = "encoder.onnx", "decoder.onnx", "unet.onnx"
CONTEXT = "context.f32"
MEANINGS = {
    "pictures": "pixels, BGR, 0 to 255",
    "latents": "pictures as the U-Net has them",
    "timesteps": "of the training, one a row",
    "context": "embedded text",
    "kv_index": "row of the batch, then of the bank, whose keys and values are taken; by group",
    "contrast": "beta of the attention contrast, 1 for none; by group",
    "temperature": "factor of the logits; by group",
    "query_weight": "share of the given queries; by group",
    "clip": "1 clips contrasted attention to [0, 1]",
    "renormalise": "1 divides rows of attention by their sum",
    "output": "noise, velocity or picture, as the schedule says",
    "noun_map": "attention to the noun of the prompt",
}


def manifest_of(
    model: DiffusionModel,
    noun: str,
    parts: Mapping[str, bytes],
    graphs: Mapping[str, onnx.ModelProto],
    size: tuple[int, int],
) -> AppearanceManifest:
    """The contract of a model whose parts have been made."""
    packages = ("hsi-edge", "torch", "diffusers", "onnx", "onnxruntime")
    length, width = model.context.shape[1:]
    return AppearanceManifest(
        family=CROSS_IMAGE,
        name="cross-image",
        noun=noun if model.noun_tokens else "",
        parts=tuple(part_of(name, data) for name, data in parts.items()),
        encoder=_graph(ENCODER, graphs[ENCODER]),
        decoder=_graph(DECODER, graphs[DECODER]),
        unet=_graph(UNET, graphs[UNET]),
        context=CONTEXT,
        context_shape=(2, length, width),
        width=size[0],
        height=size[1],
        stride=model.stride,
        latent_channels=model.unet.config.in_channels,
        latent_stride=model.codec.stride,
        layers=model.layers,
        schedule=model.schedule,
        free_u=model.free_u,
        fingerprint=model.fingerprint(),
        licences=(Licence(what="weights", terms="those of the model's author"),),
        generator={name: version_of(name) for name in packages},
        created=datetime.now(timezone.utc).isoformat(timespec="seconds"),
    )


def _graph(part: str, model: onnx.ModelProto) -> Graph:
    return Graph(
        part=part,
        precision="fp32",
        opset=OPSET,
        ir_version=IR_VERSION,
        inputs=_tensors(model.graph.input),
        outputs=_tensors(model.graph.output),
    )


def _tensors(values: Sequence[onnx.ValueInfoProto]) -> tuple[Tensor, ...]:
    return tuple(
        Tensor(
            name=value.name,
            dtype=helper.tensor_dtype_to_np_dtype(value.type.tensor_type.elem_type).name,
            shape=tuple(
                side.dim_param or side.dim_value for side in value.type.tensor_type.shape.dim
            ),
            meaning=MEANINGS.get(value.name, "of one layer: (rows, tokens, channels)"),
        )
        for value in values
    )
