"""What the loop needs of a model: a U-Net with its attention open, and pictures to latents."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from hsi.runtime.appearance.plan import GROUPS
from hsi.runtime.appearance.schedule import Latents, NoiseSchedule

Pictures = npt.NDArray[np.uint8]
"""`(N, H, W, 3)` uint8 BGR."""
Array = npt.NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class AttentionLayer:
    """A self-attention layer of the U-Net's decoder that can take foreign keys and values."""

    name: str
    group: int  # FINE where it has a token for each latent pixel, COARSE with one for four
    heads: int

    @property
    def factor(self) -> int:
        """Latent pixels along the side of a token."""
        return self.group + 1


@dataclass(frozen=True, kw_only=True, eq=False)
class Controls:
    """How each row of a batch attends, as arrays `(groups, N)`: nothing else decides it.

    Plain attention is `kv_index` counting up, `contrast` and `temperature` 1, `query_weight` 0.
    """

    kv_index: npt.NDArray[np.int64]  # row whose K and V are taken: of the batch, then of the bank
    contrast: Array  # beta of A' = clip(beta (A - 1/T) + 1/T, 0, 1); 1: none
    temperature: Array  # multiplies the logits
    query_weight: Array  # share of the given queries: Q = w Q_given + (1 - w) Q
    clip: bool = True
    renormalise: bool = False  # rows of A' are divided by their sum

    @classmethod
    def plain(cls, rows: int) -> "Controls":
        """Every row as the U-Net was trained."""
        ones = np.ones((GROUPS, rows), np.float32)
        index = np.tile(np.arange(rows, dtype=np.int64), (GROUPS, 1))
        return cls(kv_index=index, contrast=ones, temperature=ones, query_weight=0 * ones)


@dataclass(frozen=True, kw_only=True, eq=False)
class LayerFeatures:
    """What one layer attended with: each `(N, T, C)` float32, heads side by side, or not given."""

    key: Array | None = None
    value: Array | None = None
    query: Array | None = None


StepFeatures = Sequence[LayerFeatures]
"""One for each of a model's layers."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Prediction:
    """What the U-Net gave."""

    output: Latents  # noise, velocity or picture, as the schedule says
    features: StepFeatures = ()  # if recorded
    noun_map: Array | None = None  # (N, h, w): attention to the object's noun, if there is a text


class Model(Protocol):
    """A latent diffusion model, opened by torch or from a bundle."""

    schedule: NoiseSchedule
    layers: tuple[AttentionLayer, ...]
    stride: int  # pixels: sides of pictures are multiples of it

    def predict(
        self,
        latents: Latents,
        timesteps: npt.NDArray[np.int64],
        *,
        prompted: bool = True,
        controls: Controls | None = None,
        bank: StepFeatures = (),
        record: bool = False,
    ) -> Prediction:
        """Run the U-Net once.

        Args:
            latents: `(N, C, h, w)`.
            timesteps: `(N,)`, one for each row.
            prompted: With the model's text; False: with the empty one, for guidance.
            controls: How rows attend; None: plainly.
            bank: For each layer, foreign keys and values `(M, T, C)`, which `controls.kv_index`
                counts from N on, and queries `(N, T, C)` to mix in.
            record: Give the layers' own queries, keys and values.

        Raises:
            EngineError: The U-Net does not run.
        """
        ...

    def encode(self, pictures: Pictures) -> Latents:
        """Pictures, `(N, H, W, 3)` uint8 BGR with sides of whole strides, as latents."""
        ...

    def decode(self, latents: Latents) -> Pictures:
        """Latents as pictures."""
        ...

    def fingerprint(self) -> str:
        """SHA-256 of all that K and V depend on: weights and text."""
        ...
