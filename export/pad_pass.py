"""A graph edit: the picture is padded as it lies, channels last."""

import numpy as np
import onnx

from hsi.calibrate.graph_edit import constants, node_of, set_constant, set_nodes

KEPT = [0, 2, 3, 4, 5, 7, 8, 9]  # of ten edges of a volume (N, 1, H, W, 3), those of (N, H, W, 3)


def pad_as_it_lies(model: onnx.ModelProto) -> None:
    """Take the plane of depth away with which torch pads a picture channels-last.

    Torch repeats edges of the last three sides of a volume, and not of the middle two of a picture.
    In OpenVINO the volume costs a pass over the frame before and one after.
    """
    known = constants(model)
    makers = {name: node for node in model.graph.node for name in node.output}
    replaced: dict[str, list[onnx.NodeProto]] = {}
    for squeeze in model.graph.node:
        pad = makers.get(squeeze.input[0]) if squeeze.op_type == "Squeeze" else None
        volume = makers.get(pad.input[0]) if pad is not None and pad.op_type == "Pad" else None
        if pad is None or volume is None or volume.op_type != "Unsqueeze":
            continue
        if any(known[node.input[1]].tolist() != [1] for node in (squeeze, volume)):
            continue
        name = squeeze.output[0]
        set_constant(model, f"{name}_kept", np.array(KEPT))
        edges = node_of("Gather", [pad.input[1], f"{name}_kept"], f"{name}_edges", axis=0)
        pad.input[0], pad.input[1] = volume.input[0], edges.output[0]
        replaced |= {volume.name: [], pad.name: [], squeeze.name: [edges, pad]}
        pad.output[0] = name
    set_nodes(model, [new for node in model.graph.node for new in replaced.get(node.name, [node])])
    made = {name for node in model.graph.node for name in node.output}
    told = [value for value in model.graph.value_info if value.name in made]
    del model.graph.value_info[:]
    model.graph.value_info.extend(told)
