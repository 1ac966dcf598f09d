# PYTHON_ARGCOMPLETE_OK
"""``hsi-inspect``: what a bundle is, takes, gives and where it came from."""

import argparse
import json
import sys
from collections.abc import Sequence

from hsi.runtime.bundle import Bundle, shipped_bundle
from hsi.runtime.closed_pipe import leave_unread
from hsi.runtime.command_parser import CommandParser
from hsi.runtime.completion import complete
from hsi.runtime.errors import HsiError
from hsi.runtime.family import CROSS_IMAGE, family_of
from hsi.runtime.manifest import Graph, Manifest, Variant

EXAMPLES = """\
examples:
  hsi-inspect model.hsi            what is inside; every part's hash is checked
  hsi-inspect                      the bundle that travels with the package
  hsi-inspect model.hsi --json     the same for a machine
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``hsi-inspect``; return the exit code."""
    p = CommandParser(
        "hsi-inspect",
        description="Show a bundle and check its parts.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    p.add_argument("bundle", nargs="?", help="a .hsi file (default: the shipped one)")
    p.add_argument("--json", action="store_true", help="print the manifest as it is stored")
    try:
        args = complete(p).parse_args(argv)
        path = args.bundle or shipped_bundle()
        if family_of(path) == CROSS_IMAGE:
            from hsi.runtime.appearance.inspection import inspected

            print(inspected(path, as_json=args.json), end="", flush=True)
            return 0
        bundle = Bundle(path)
        bundle.verify()
        if args.json:
            print(bundle.manifest.to_json(), end="", flush=True)
        else:
            print(f"{bundle.path}\n{describe(bundle.manifest)}", flush=True)
        return 0
    except HsiError as error:
        print(f"hsi-inspect: {error}", file=sys.stderr)
        return error.exit_code
    except BrokenPipeError:
        return leave_unread()


def describe(manifest: Manifest) -> str:
    """The manifest as a page of text."""
    frame = manifest.frame
    lines = [
        f"  network         {manifest.name} ({manifest.preset}), exported {manifest.created}",
        f"  made with       {_pairs(manifest.generator)}",
        f"  frames          {frame.min_side} to {frame.max_side} pixels a side, any size between; "
        f"stride {frame.stride}, receptive field {frame.receptive_field} pixels",
        f"  style           shrunk to {manifest.style_short_side} pixels, encoded once into "
        f"{manifest.style_code_size} floats ({4 * manifest.style_code_size / 1024:.1f} KiB)",
        f"  statistics      {manifest.statistics_size} floats in {len(manifest.statistics)} fields",
        *_graph("style encoder", manifest.style_encoder),
        *_graph("stylizer", manifest.stylizer),
        *_on_cpu(manifest.cpu_stylizer),
        *(line for variant in manifest.variants for line in _variant(variant)),
        "  parts (every SHA-256 agrees)",
        *(f"    {p.bytes / 1024:9.1f} KiB  {p.sha256[:12]}  {p.name}" for p in manifest.parts),
        "  licences",
        *(f"    {x.what}: {x.terms}" for x in manifest.licences),
    ]
    if manifest.training:
        # As JSON: what stands there is the checkpoint's, and may hold control characters.
        stored = {json.dumps(k)[1:-1]: json.dumps(v) for k, v in manifest.training.items()}
        lines += ["  training", *(f"    {name}: {value}" for name, value in stored.items())]
    return "\n".join(lines)


def _graph(title: str, graph: Graph) -> list[str]:
    head = f"  {title:15s} {graph.precision}, opset {graph.opset}, IR {graph.ir_version}"
    borders = [("in ", tensor) for tensor in graph.inputs]
    borders += [("out", tensor) for tensor in graph.outputs]
    return [head] + [
        f"    {side} {t.name} ({', '.join(map(str, t.shape))}) {t.dtype}: {t.meaning}"
        for side, t in borders
    ]


def _on_cpu(part: str) -> list[str]:
    return [f"  on CPUs         {part} in OpenVINO: the same function"] if part else []


def _variant(variant: Variant) -> list[str]:
    head = f"  variant         {variant.graph.precision}, {variant.graph.part}"
    if variant.split_layers:
        head += f", in two INT8 numbers {', '.join(variant.split_layers)}"
    if variant.float_layers:
        head += f", in float {', '.join(variant.float_layers)}"
    return [head] + [
        f"    {'passes' if v.passed else 'FAILS'} on {v.engine}: PSNR {v.psnr:.1f} dB, SSIM "
        f"{v.ssim:.4f}, worst tile {v.worst_tile_psnr:.1f} dB"
        + ("" if v.style_change is None else f", style loss {v.style_change:+.1%}")
        + " against FP32"
        for v in variant.verdicts
    ]


def _pairs(values: dict[str, str]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items())


if __name__ == "__main__":
    sys.exit(main())
