"""The contract of a cross-image bundle: ``manifest.json`` as a frozen dataclass."""

import json
from dataclasses import asdict, dataclass, field

from hsi.runtime.appearance.denoiser import AttentionLayer
from hsi.runtime.appearance.schedule import NoiseSchedule
from hsi.runtime.errors import BundleError, OptionError
from hsi.runtime.family import CROSS_IMAGE
from hsi.runtime.json_record import record_from_json
from hsi.runtime.manifest import FORMAT, VERSION, Graph, Licence, Part

MAX_PARTS = 16
MAX_BYTES = 8 << 30

ENCODER_NAMES = (("pictures",), ("latents",))
DECODER_NAMES = (("latents",), ("pictures",))
CONTROL_NAMES = (
    "kv_index",
    "contrast",
    "temperature",
    "query_weight",
    "clip",
    "renormalise",
)
KINDS = ("key", "value", "query")


def unet_names(layers: int, *, words: bool) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names at the U-Net's border: inputs, then outputs.

    Args:
        layers: How many take foreign keys and values.
        words: Whether there is a noun map.
    """
    foreign = tuple(f"{kind}_{i}" for i in range(layers) for kind in KINDS)
    inputs = ("latents", "timesteps", "context", *CONTROL_NAMES, *foreign)
    own = tuple(f"own_{name}" for name in foreign)
    return inputs, ("output", *own, *(("noun_map",) if words else ()))


@dataclass(frozen=True, kw_only=True)
class AppearanceManifest:
    """What a cross-image bundle is, what it takes and gives, and where it came from."""

    family: str
    name: str
    noun: str  # of the prompt: what is transferred; "" where the model knows no words
    parts: tuple[Part, ...]
    encoder: Graph
    decoder: Graph
    unet: Graph
    context: (
        str  # part: float32 little-endian (2, L, D), the prompt's embedding and the empty one's
    )
    context_shape: tuple[int, ...]
    width: int  # pixels of the pictures it takes
    height: int
    stride: int  # pixels
    latent_channels: int
    latent_stride: int  # pixels along the side of a latent pixel
    layers: tuple[AttentionLayer, ...]
    schedule: NoiseSchedule
    free_u: bool  # whether the published variant of FreeU is in the U-Net
    fingerprint: str  # of the model: banks of another do not fit
    licences: tuple[Licence, ...]
    generator: dict[str, str] = field(default_factory=dict)
    created: str = ""

    def __post_init__(self) -> None:
        if self.family != CROSS_IMAGE:
            raise BundleError(f"manifest: expected family {CROSS_IMAGE!r}, found {self.family!r}")
        total = sum(part.bytes for part in self.parts)
        if len(self.parts) > MAX_PARTS or total > MAX_BYTES:
            raise BundleError(
                f"manifest: expected at most {MAX_PARTS} parts and {MAX_BYTES} bytes, found "
                f"{len(self.parts)} and {total}: do not use this file"
            )
        names = [part.name for part in self.parts]
        needed = (self.encoder.part, self.decoder.part, self.unet.part, self.context)
        for name in needed:
            if names.count(name) != 1:
                raise BundleError(f"manifest: expected part {name!r} listed once, found it not")
        self._check_sizes()
        borders = unet_names(len(self.layers), words=bool(self.noun))
        for graph, expected in (
            (self.encoder, ENCODER_NAMES),
            (self.decoder, DECODER_NAMES),
            (self.unet, borders),
        ):
            if graph.names() != expected:
                raise BundleError(
                    f"manifest: expected {graph.part} to have inputs and outputs of this version, "
                    f"found {graph.names()[0][:4]}...: export it again"
                )

    @property
    def latent_shape(self) -> tuple[int, int, int]:
        """`(C, h, w)`."""
        side = self.latent_stride
        return self.latent_channels, self.height // side, self.width // side

    def part(self, name: str) -> Part:
        """The part called ``name``, which must be listed."""
        return next(part for part in self.parts if part.name == name)

    def to_json(self) -> str:
        """The text of ``manifest.json``."""
        return json.dumps({"format": FORMAT, "version": VERSION, **asdict(self)}, indent=1) + "\n"

    @classmethod
    def from_json(cls, text: bytes) -> "AppearanceManifest":
        """Parse ``manifest.json``.

        Raises:
            BundleError: It is no manifest of this family, or breaks a rule.
        """
        try:
            values = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise BundleError("manifest: expected JSON, found damage") from error
        if not isinstance(values, dict) or values.pop("format", None) != FORMAT:
            raise BundleError(f"manifest: expected format {FORMAT!r}, found another: not a bundle")
        if values.pop("version", None) != VERSION:
            raise BundleError("manifest: expected another version: update hsi-edge")
        try:
            manifest: AppearanceManifest = record_from_json(cls, values, "manifest")
        except OptionError as error:
            raise BundleError(f"manifest: {error}") from error
        return manifest

    def _check_sizes(self) -> None:
        sizes = (self.stride, self.latent_stride, self.latent_channels, *self.context_shape)
        if min(sizes) < 1 or len(self.context_shape) != 3 or self.context_shape[0] != 2:
            raise BundleError("manifest: expected sizes above 0 and a context of (2, L, D)")
        if min(self.width, self.height) < self.stride or not self.layers:
            raise BundleError("manifest: expected a picture size and attention layers, found none")
        if (
            self.width % self.stride
            or self.height % self.stride
            or self.stride % self.latent_stride
        ):
            raise BundleError(
                f"manifest: expected sides of whole strides of {self.stride}, found "
                f"{self.width}x{self.height}"
            )
        if any(layer.group not in (0, 1) or layer.heads < 1 for layer in self.layers):
            raise BundleError("manifest: expected layers of group 0 or 1 with heads, found others")
