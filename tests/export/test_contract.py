from __future__ import annotations

import onnx
import pytest

from hsi.export.contract import statistics_fields
from hsi.export.licences import licences_of
from hsi.model import StyleNetwork
from hsi.runtime.bundle import Bundle
from hsi.runtime.manifest import Graph

DTYPES = {onnx.TensorProto.UINT8: "uint8", onnx.TensorProto.FLOAT: "float32"}


@pytest.mark.parametrize("name", ["style_encoder", "stylizer"])
def test_the_contract_names_the_tensors_of_the_graphs(bundle: Bundle, name: str) -> None:
    graph: Graph = getattr(bundle.manifest, name)
    model = onnx.load_from_string(bundle.read(graph.part))
    for told, found in ((graph.inputs, model.graph.input), (graph.outputs, model.graph.output)):
        stored = [
            (
                value.name,
                DTYPES[value.type.tensor_type.elem_type],
                tuple(d.dim_param or d.dim_value for d in value.type.tensor_type.shape.dim),
            )
            for value in found
        ]
        assert [(tensor.name, tensor.dtype, tensor.shape) for tensor in told] == stored
        assert all(tensor.meaning for tensor in told)
    assert (graph.opset, graph.ir_version) == (20, model.ir_version)


def test_sizes_are_those_of_the_network(bundle: Bundle, network: StyleNetwork) -> None:
    manifest = bundle.manifest
    assert manifest.style_code_size == network.code_size
    assert manifest.statistics_size == network.statistics_size
    assert manifest.frame.stride == network.stride
    assert (manifest.frame.min_side, manifest.frame.max_side) == (64, 8192)


def test_the_statistics_vector_is_laid_out_module_by_module(network: StyleNetwork) -> None:
    fields = statistics_fields(network)
    assert [one.name for one in fields[:5]] == [
        "0.mean",
        "0.variance",
        "0.pooled_query",
        "0.relation",
        "1.mean",
    ]
    ends = [one.start + one.size for one in fields]
    assert [one.start for one in fields] == [0, *ends[:-1]]
    assert ends[-1] == network.statistics_size


def test_the_manifest_tells_where_the_network_came_from(bundle: Bundle) -> None:
    manifest = bundle.manifest
    assert (manifest.name, manifest.preset) == ("hsi-edge", "hsi-edge")
    assert manifest.training == {"steps": 12}
    assert {"hsi-edge", "torch", "onnx", "onnxruntime"} <= set(manifest.generator)
    assert manifest.created.endswith("+00:00")


def test_licences_name_what_is_inside(bundle: Bundle) -> None:
    assert bundle.manifest.licences == licences_of("hsi-edge")
    assert [x.what for x in licences_of("hsi-edge")][:2] == [
        "hsi-edge weights",
        "VGG-19 compressed 16 times (style encoder of hsi-edge)",
    ]
    assert not any("compressed" in x.what for x in licences_of("hsi-vgg"))
    assert all(x.terms for x in (*licences_of("hsi-edge"), *licences_of("hsi-vgg")))
