"""The manifest of an exported network: names, shapes and ranges at its borders."""

from hsi.export.licences import licences_of
from hsi.export.onnx_writer import IR_VERSION, MAX_SIDE, MIN_SIDE, OPSET
from hsi.model import StyleNetwork
from hsi.model.checkpoint import Checkpoint
from hsi.runtime.manifest import (
    STYLE_ENCODER_NAMES,
    STYLIZER_NAMES,
    FrameContract,
    Golden,
    Graph,
    Manifest,
    Part,
    StatisticsField,
    Tensor,
)

STYLE_ENCODER = "style_encoder.onnx"
STYLIZER = "stylizer.onnx"
CPU_STYLIZER = "stylizer.cpu.onnx"
GOLDEN_FRAME = "golden/frame.png"
GOLDEN_STYLE = "golden/style.png"
GOLDEN_STYLISED = "golden/stylised.png"

STYLE_SHORT_SIDE = 512
PICTURE = ("N", "H", "W", 3)
# Engines differ in rounding alone at FP32; other precisions are judged on frames, not here.
MAX_DIFFERENCE, MAX_SHARE_OVER_ONE = 3, 1e-3


def manifest_of(
    checkpoint: Checkpoint,
    parts: tuple[Part, ...],
    *,
    receptive_field: int,
    generator: dict[str, str],
    created: str,
) -> Manifest:
    """The contract of a network whose parts have been written."""
    network = checkpoint.network
    return Manifest(
        name=network.options.preset,
        preset=network.options.preset,
        parts=parts,
        style_encoder=_style_encoder(network),
        stylizer=_stylizer(network),
        frame=FrameContract(
            min_side=MIN_SIDE,
            max_side=MAX_SIDE,
            stride=network.stride,
            receptive_field=receptive_field,
        ),
        style_short_side=STYLE_SHORT_SIDE,
        style_code_size=network.code_size,
        statistics=statistics_fields(network),
        golden=Golden(
            frame=GOLDEN_FRAME,
            style=GOLDEN_STYLE,
            stylised=GOLDEN_STYLISED,
            max_difference=MAX_DIFFERENCE,
            max_share_over_one=MAX_SHARE_OVER_ONE,
        ),
        licences=licences_of(network.options.preset),
        training=dict(checkpoint.provenance),
        generator=generator,
        created=created,
        cpu_stylizer=CPU_STYLIZER if CPU_STYLIZER in {part.name for part in parts} else "",
    )


def statistics_fields(network: StyleNetwork) -> tuple[StatisticsField, ...]:
    """Where each module's global quantities lie in the statistics vector."""
    found, start = [], 0
    for number, injector in enumerate(network.injectors()):
        for name, size in injector.statistics_sizes.items():
            found.append(StatisticsField(name=f"{number}.{name}", start=start, size=size))
            start += size
    return tuple(found)


def _style_encoder(network: StyleNetwork) -> Graph:
    (style,), (code,) = STYLE_ENCODER_NAMES
    return Graph(
        part=STYLE_ENCODER,
        precision="fp32",
        opset=OPSET,
        ir_version=IR_VERSION,
        inputs=(_tensor(style, "uint8", PICTURE, "NHWC, BGR, 0 to 255"),),
        outputs=(_tensor(code, "float32", ("N", network.code_size), "blends linearly"),),
    )


def _stylizer(network: StyleNetwork) -> Graph:
    frame, code, statistics, weight, strength = STYLIZER_NAMES[0]
    stylised, used = STYLIZER_NAMES[1]
    vector = ("N", network.statistics_size)
    return Graph(
        part=STYLIZER,
        precision="fp32",
        opset=OPSET,
        ir_version=IR_VERSION,
        inputs=(
            _tensor(frame, "uint8", PICTURE, "NHWC, BGR, 0 to 255"),
            _tensor(code, "float32", ("N", network.code_size), "from the style encoder"),
            _tensor(statistics, "float32", vector, "fed-in global statistics"),
            _tensor(weight, "float32", ("N", 1), "0 to 1: share of the fed-in statistics"),
            _tensor(strength, "float32", ("N", 1), "0 the frame itself, 1 the whole style"),
        ),
        outputs=(
            _tensor(stylised, "uint8", PICTURE, "NHWC, BGR, 0 to 255"),
            _tensor(used, "float32", vector, "global statistics used"),
        ),
    )


def _tensor(name: str, dtype: str, shape: tuple[int | str, ...], meaning: str) -> Tensor:
    return Tensor(name=name, dtype=dtype, shape=shape, meaning=meaning)
