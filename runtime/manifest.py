"""The contract of a bundle: ``manifest.json`` as frozen dataclasses, checked at birth."""

import json
import re
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from hsi.runtime.errors import BundleError
from hsi.runtime.json_record import record_from_json

FORMAT = "hsi bundle"
VERSION = 1
SHA256 = re.compile(r"[0-9a-f]{64}")
# Plain relative names alone: no drive, no parent, no hidden file, no backslash.
PART_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*){0,3}")
MAX_PARTS = 64
MAX_BYTES = 1 << 30  # of all parts: a file that claims more is a bomb, not a network

# Names at the borders of the two graphs, in order: inputs, outputs.
STYLE_ENCODER_NAMES = (("style",), ("style_code",))
STYLIZER_NAMES = (
    ("frame", "style_code", "statistics", "statistics_weight", "strength"),
    ("stylised", "statistics_used"),
)


@dataclass(frozen=True, kw_only=True)
class Part:
    """One file of a bundle."""

    name: str  # path inside the bundle
    bytes: int
    sha256: str

    def __post_init__(self) -> None:
        if not PART_NAME.fullmatch(self.name):
            raise BundleError(
                f"part {self.name!r} leaves the bundle: expected a plain relative name: "
                "do not use this file"
            )
        if not SHA256.fullmatch(self.sha256) or self.bytes < 0:
            raise BundleError(f"part {self.name}: expected a size and a SHA-256, found others")


@dataclass(frozen=True, kw_only=True)
class Tensor:
    """A tensor at a graph's border."""

    name: str
    dtype: str  # NumPy's name
    shape: tuple[int | str, ...]  # "N", "H" and "W" are free
    meaning: str  # layout, order, range and unit in words


@dataclass(frozen=True, kw_only=True)
class Graph:
    """One ONNX graph of a bundle."""

    part: str
    precision: str  # "fp32"; what the arithmetic inside is
    opset: int
    ir_version: int
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]

    def names(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Names of the inputs and of the outputs."""
        return tuple(t.name for t in self.inputs), tuple(t.name for t in self.outputs)


@dataclass(frozen=True, kw_only=True)
class StatisticsField:
    """Where one global quantity lies in the statistics vector."""

    name: str  # "0.mean", "0.variance", "0.pooled_query", "0.relation", "1.mean", ...
    start: int
    size: int


@dataclass(frozen=True, kw_only=True)
class FrameContract:
    """Which frames the stylizer takes."""

    min_side: int  # pixels
    max_side: int
    stride: int  # sides are padded to multiples of it inside the graph
    receptive_field: int  # pixels across, statistics held fixed: what a tile's overlap follows from

    def __post_init__(self) -> None:
        if not 1 <= self.min_side <= self.max_side or min(self.stride, self.receptive_field) < 1:
            raise BundleError(f"frame: expected sizes above 0, the least first, found {self}")


@dataclass(frozen=True, kw_only=True)
class Golden:
    """Pictures for the self-test: ``frame`` in ``style`` must give ``stylised``."""

    frame: str
    style: str
    stylised: str
    max_difference: int  # of 255, any value
    max_share_over_one: float  # of all values

    def __post_init__(self) -> None:
        if not 0 <= self.max_difference <= 255 or not 0 <= self.max_share_over_one <= 1:
            raise BundleError("golden: expected tolerances of 0 to 255 and 0 to 1, found others")


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What the quality gate found of a variant on one engine: the worst of all pictures."""

    engine: str
    psnr: float  # dB against FP32
    ssim: float
    worst_tile_psnr: float  # dB
    min_psnr: float  # what was asked for
    min_ssim: float
    min_tile_psnr: float
    passed: bool
    style_change: float | None = None  # of FP32's style loss, over all pictures; if measured
    content_change: float | None = None  # likewise of its content loss; told, not judged
    max_style_change: float | None = None  # what was asked for
    flicker_added: float | None = None  # grey levels a scene at rest changes more; told
    agreement: float | None = None  # dB to the first engine's pictures; None for that one
    min_agreement: float | None = None  # what was asked for


@dataclass(frozen=True, kw_only=True)
class Variant:
    """The stylizer at a lower precision, with the same tensors at its borders."""

    graph: Graph
    golden: Golden  # the pictures it must give: its own, not FP32's
    verdicts: tuple[Verdict, ...]
    float_layers: tuple[str, ...] = ()  # convolutions that stayed in float
    split_layers: tuple[str, ...] = ()  # those whose input has two INT8 numbers a value
    calibration: str = ""  # the part that says on what it was calibrated; "" where on nothing

    @property
    def passed(self) -> bool:
        """Whether it was judged, and good enough on every engine."""
        return bool(self.verdicts) and all(verdict.passed for verdict in self.verdicts)


@dataclass(frozen=True, kw_only=True)
class Licence:
    """Terms of something inside a bundle."""

    what: str
    terms: str  # SPDX name or a sentence
    source: str = ""


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What a bundle is, what it takes and gives, and where it came from."""

    name: str
    preset: str
    parts: tuple[Part, ...]
    style_encoder: Graph
    stylizer: Graph
    frame: FrameContract
    style_short_side: int  # pixels: style pictures are shrunk to it before encoding
    style_code_size: int
    statistics: tuple[StatisticsField, ...]
    golden: Golden
    licences: tuple[Licence, ...]
    training: dict[str, Any] = field(default_factory=dict)
    generator: dict[str, str] = field(default_factory=dict)
    created: str = ""
    variants: tuple[Variant, ...] = ()
    cpu_stylizer: str = ""  # the part that is the stylizer again, laid out for CPUs; "" for none

    def __post_init__(self) -> None:
        self._check_parts()
        self._check_statistics()
        if self.style_code_size < 1 or self.style_short_side < 32:
            raise BundleError("manifest: expected a style code and a style size, found none")
        self._check_borders(self.style_encoder, STYLE_ENCODER_NAMES)
        for graph in (self.stylizer, *(variant.graph for variant in self.variants)):
            self._check_borders(graph, STYLIZER_NAMES)

    def _check_parts(self) -> None:
        names = {part.name for part in self.parts}
        total = sum(part.bytes for part in self.parts)
        if len(self.parts) > MAX_PARTS or total > MAX_BYTES:
            raise BundleError(
                f"manifest: expected at most {MAX_PARTS} parts and {MAX_BYTES} bytes, found "
                f"{len(self.parts)} and {total}: do not use this file"
            )
        if len(names) < len(self.parts):
            raise BundleError("manifest: expected each part once, found one listed twice")
        needed = {self.style_encoder.part, self.stylizer.part}
        needed |= set(filter(None, [self.cpu_stylizer]))
        for variant in self.variants:
            needed |= {variant.graph.part, *filter(None, [variant.calibration])}
        for golden in (self.golden, *(variant.golden for variant in self.variants)):
            needed |= {golden.frame, golden.style, golden.stylised}
        if missing := sorted(needed - names):
            raise BundleError(f"manifest: expected part {missing[0]!r} to be listed, found it not")

    def _check_borders(self, graph: Graph, names: tuple[tuple[str, ...], tuple[str, ...]]) -> None:
        if graph.names() != names:
            raise BundleError(
                f"manifest: expected {graph.part} to have inputs and outputs {names}, "
                f"found {graph.names()}"
            )
        sizes = {
            "style_code": self.style_code_size,
            "statistics": self.statistics_size,
            "statistics_used": self.statistics_size,
        }
        for tensor in (*graph.inputs, *graph.outputs):
            if tensor.shape != ("N", sizes.get(tensor.name)) and tensor.name in sizes:
                raise BundleError(
                    f"manifest: expected {tensor.name} of shape ('N', {sizes[tensor.name]}), "
                    f"found {tensor.shape}"
                )

    def _check_statistics(self) -> None:
        start = 0
        for one in self.statistics:
            if one.start != start or one.size < 1:
                raise BundleError(
                    f"manifest: expected statistics {one.name} from {start} on, found "
                    f"{one.size} from {one.start}"
                )
            start += one.size

    @property
    def statistics_size(self) -> int:
        """Floats in the statistics vector."""
        return sum(one.size for one in self.statistics)

    @property
    def stylizer_on_cpu(self) -> Graph:
        """The stylizer as CPUs run it fastest: the same tensors, and the same pictures."""
        return replace(self.stylizer, part=self.cpu_stylizer or self.stylizer.part)

    def variant(self, precision: str) -> Variant | None:
        """The variant of a precision that passed its gate, or None."""
        fit = (v for v in self.variants if v.graph.precision == precision and v.passed)
        return next(fit, None)

    def part(self, name: str) -> Part:
        """The part called ``name``, which must be listed."""
        return next(part for part in self.parts if part.name == name)

    def to_json(self) -> str:
        """The text of ``manifest.json``."""
        values = {"format": FORMAT, "version": VERSION, **asdict(self)}
        for name in ("variants", "cpu_stylizer"):
            if not values[name]:  # so that readers older than these take the bundle
                del values[name]
        return json.dumps(values, indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes) -> "Manifest":
        """Parse ``manifest.json``.

        Raises:
            BundleError: It is no manifest, comes from a newer format or breaks a rule.
        """
        try:
            values = json.loads(text)
        except (ValueError, RecursionError) as error:
            reason = "nesting without end" if isinstance(error, RecursionError) else error
            raise BundleError(f"manifest: expected JSON, found damage: {reason}") from error
        if not isinstance(values, dict) or values.pop("format", None) != FORMAT:
            raise BundleError(f"manifest: expected format {FORMAT!r}, found another: not a bundle")
        if "family" in values:
            raise BundleError(
                f"manifest: expected a style-transfer network, found family {values['family']!r}: "
                "open it with hsi.runtime.appearance.load, or run it with hsi-run and --style"
            )
        version = values.pop("version", None)
        if type(version) is not int or version != VERSION:
            raise BundleError(
                f"bundle format version {version!r} found, expected {VERSION}: update hsi-edge, "
                "or export the model again with this version"
            )
        manifest: Manifest = record_from_json(cls, values, "manifest")
        return manifest
