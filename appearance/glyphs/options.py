"""What the training of the glyph denoiser is made of."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from hsi.runtime.errors import OptionError


@dataclass(frozen=True, kw_only=True)
class GlyphTrainOptions:
    """One training run. The scenes and the noise of step k depend on ``seed`` and k alone."""

    out: Path  # the model's folder; the run's log, sheets and state lie beside it in NAME.run/
    steps: int = 1200
    batch: int = 32  # scenes a step
    rate: float = 2e-3  # AdamW, decaying to a fiftieth by a half cosine
    seed: int = 0
    save_every: int = 100  # steps between two saved states
    sheet_every: int = 400  # steps between two sheets of samples

    def __post_init__(self) -> None:
        for name in ("steps", "batch", "save_every", "sheet_every"):
            if getattr(self, name) < 1:
                raise OptionError(f"{name} must be at least 1, got {getattr(self, name)}")
        if not 0 < self.rate < 1:
            raise OptionError(f"rate must lie between 0 and 1, got {self.rate}")
        if self.seed < 0:
            raise OptionError(f"seed must be 0 or more, got {self.seed}")

    @property
    def run_folder(self) -> Path:
        """Where the log, the sheets and the state of the run lie."""
        return self.out.with_name(f"{self.out.name}.run")

    def to_dict(self) -> dict[str, Any]:
        """Plain values for a model's provenance: the folder by name only."""
        return asdict(self) | {"out": self.out.name}
