"""The contract of a bundle: ``manifest.json`` as frozen dataclasses, checked at birth."""

import json
import re
from dataclasses import asdict, dataclass, field
from typing import Any, TypeVar

from hsi.runtime.errors import BundleError

FORMAT = "hsi bundle"
VERSION = 1
SHA256 = re.compile(r"[0-9a-f]{64}")
# Plain relative names alone: no drive, no parent, no hidden file, no backslash.
PART_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*){0,3}")

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Part:
    """One file of a bundle."""

    name: str  # path inside the bundle
    bytes: int
    sha256: str

    def __post_init__(self) -> None:
        if not PART_NAME.fullmatch(self.name) or ".." in self.name.split("/"):
            raise BundleError(
                f"part {self.name!r} leaves the bundle: expected a plain relative name; "
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

    def __post_init__(self) -> None:
        names = {part.name for part in self.parts}
        needed = {self.style_encoder.part, self.stylizer.part}
        needed |= {self.golden.frame, self.golden.style, self.golden.stylised}
        if missing := sorted(needed - names):
            raise BundleError(f"manifest: expected part {missing[0]} to be listed, found it missing")
        if self.style_code_size < 1 or self.style_short_side < 32:
            raise BundleError("manifest: expected a style code and a style size, found none")

    @property
    def statistics_size(self) -> int:
        """Floats in the statistics vector."""
        return sum(field.size for field in self.statistics)

    def part(self, name: str) -> Part:
        """The part called ``name``, which must be listed."""
        return next(part for part in self.parts if part.name == name)

    def to_json(self) -> str:
        """The text of ``manifest.json``."""
        return json.dumps({"format": FORMAT, "version": VERSION, **asdict(self)}, indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes) -> "Manifest":
        """Parse ``manifest.json``.

        Raises:
            BundleError: It is no manifest, comes from a newer format or breaks a rule.
        """
        try:
            values = json.loads(text)
        except ValueError as error:
            raise BundleError(f"manifest: expected JSON, found damage: {error}") from error
        if not isinstance(values, dict) or values.pop("format", None) != FORMAT:
            raise BundleError(f"manifest: expected format {FORMAT!r}, found another: not a bundle")
        version = values.pop("version", None)
        if version != VERSION:
            raise BundleError(
                f"bundle format version {version!r} found, expected {VERSION}: update hsi-edge, "
                "or export the model again with this version"
            )
        return _parse(values)


def _parse(values: dict[str, Any]) -> Manifest:
    try:
        lists = {
            "parts": _each(Part, values.pop("parts")),
            "statistics": _each(StatisticsField, values.pop("statistics")),
            "licences": _each(Licence, values.pop("licences")),
        }
        graphs = {name: _graph(values.pop(name)) for name in ("style_encoder", "stylizer")}
        frame, golden = FrameContract(**values.pop("frame")), Golden(**values.pop("golden"))
        return Manifest(**lists, **graphs, frame=frame, golden=golden, **values)
    except (KeyError, TypeError, AttributeError) as error:
        raise BundleError(f"manifest: expected every field of the contract, found {error}") from error


def _each(kind: type[T], values: list[dict[str, Any]]) -> tuple[T, ...]:
    return tuple(kind(**value) for value in values)


def _graph(values: dict[str, Any]) -> Graph:
    values = dict(values)
    borders = {name: tuple(_tensor(t) for t in values.pop(name)) for name in ("inputs", "outputs")}
    return Graph(**borders, **values)


def _tensor(values: dict[str, Any]) -> Tensor:
    return Tensor(**{**values, "shape": tuple(values["shape"])})
