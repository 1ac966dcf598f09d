"""How far the engines of this CPU are apart on one network, and one engine from itself.

    python -m bench.engines_agree [model.hsi] [--layers]

The shipped photograph in three shipped styles; least PSNR in dB. `int8` is of all layers,
calibrated on these pictures and judged by no gate; `int8, exported` is the bundle's own, if any.
`--layers` has each layer in INT8 alone. `a millionth` is one engine against itself, with a style
code that much larger.
"""

import argparse
import math
from collections.abc import Iterable

import numpy as np
import onnx

from bench.bundle_argument import bundle_argument
from hsi.calibrate.candidates import OpenVinoRun
from hsi.calibrate.doubling import without_doubling
from hsi.calibrate.finer_layers import FinerLayers
from hsi.calibrate.half import half
from hsi.calibrate.quantiser import Quantiser
from hsi.calibrate.ranges import Sample
from hsi.calibrate.stylizer_run import StylizerRun, encode_styles
from hsi.export.exporter import shipped_frame
from hsi.runtime.bundle import Bundle, shipped_bundle
from hsi.runtime.frame import Image
from hsi.runtime.picture import picture_from_bytes
from hsi.runtime.style_picture import sized_style, style_from_bytes
from hsi.runtime.styles import shipped_styles

STYLES = 3


def main() -> None:
    """Measure and print."""
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    p.add_argument("bundle", type=bundle_argument, nargs="?", default=shipped_bundle())
    p.add_argument("--layers", action="store_true", help="each layer in INT8 alone")
    args = p.parse_args()
    bundle = Bundle(args.bundle)
    model = onnx.load_from_string(bundle.read(bundle.manifest.stylizer.part))
    samples = _samples(bundle)
    quantiser = Quantiser(model, samples)
    truth = [StylizerRun(model).stylise(*sample) for sample in samples]
    print(f"{'graph':32s} {'between engines':>15s} {'a millionth':>12s} {'to FP32':>8s}")
    graphs = {"fp32": model, "fp16": half(model), "int8": quantiser.graph()}
    if variant := bundle.manifest.variant("int8"):
        graphs["int8, exported"] = onnx.load_from_string(bundle.read(variant.graph.part))
    if args.layers:
        for name in quantiser.layers:
            others = [other for other in quantiser.layers if other != name]
            graphs[f"int8 {name}"] = quantiser.graph(FinerLayers.in_float(others))
    for name, graph in graphs.items():
        print(_line(name, graph, samples, truth), flush=True)


def _line(name: str, graph: onnx.ModelProto, samples: list[Sample], truth: list[Image]) -> str:
    run = StylizerRun(graph)
    other = OpenVinoRun(without_doubling(graph) if name == "fp32" else graph)  # as a bundle has it
    made = [run.stylise(*sample) for sample in samples]
    moved = (run.stylise(image, code * np.float32(1 + 1e-6)) for image, code in samples)
    between = _least(made, (other.stylise(*sample) for sample in samples))
    return f"{name:32s} {between:15.1f} {_least(made, moved):12.1f} {_least(made, truth):8.1f}"


def _samples(bundle: Bundle) -> list[Sample]:
    pictures = [
        sized_style(style_from_bytes(file.read_bytes(), file), bundle.manifest.style_short_side)
        for file in list(shipped_styles().values())[:STYLES]
    ]
    encoder = bundle.read(bundle.manifest.style_encoder.part)
    photograph = picture_from_bytes(shipped_frame().read_bytes())
    assert photograph is not None
    return [(photograph, code) for code in encode_styles(encoder, pictures)]


def _least(first: Iterable[Image], second: Iterable[Image]) -> float:
    return min(_psnr(a, b) for a, b in zip(first, second, strict=True))


def _psnr(first: Image, second: Image) -> float:
    error = float(np.mean((first.astype(np.float64) - second) ** 2))
    return 10 * math.log10(255**2 / max(error, 1e-12))


if __name__ == "__main__":
    main()
