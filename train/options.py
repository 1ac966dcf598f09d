"""What a training run is made of."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from hsi.model.device import checked_device
from hsi.runtime.errors import OptionError

Precision = Literal["fp32", "bf16"]
StyleNorm = Literal["l2", "mse"]
FirstWeights = Literal["random", "whole", "skip", "refinements"]


@dataclass(frozen=True, kw_only=True)
class LossWeights:
    """Weights of the paper's losses: 60 style, 5 content on colour and on grey, 50 adversarial.

    ``identity`` is not the paper's. Above 0, the first picture of each batch is its own style, and
    the mean absolute pixel error of its result is added: a light network learns to carry content,
    and what a style code means, in a fraction of the steps.
    """

    style: float = 60.0
    content: float = 5.0
    grey_content: float = 5.0
    adversarial: float = 50.0
    identity: float = 0.0
    structure: float = 0.0
    palette: float = 0.0
    consistency: float = 0.0
    teacher: float = 0.0

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if not value >= 0:
                raise OptionError(f"the {name} weight must be 0 or more, got {value}")


@dataclass(frozen=True, kw_only=True)
class TrainOptions:
    """One training run. The pictures of step k depend on ``seed`` and k alone."""

    content: tuple[Path, ...]  # folders or pictures
    style: tuple[Path, ...]
    out: Path  # the checkpoint; the run's log, sheets and state lie beside it in NAME.run/
    loss_network: Path  # normalised VGG-19, or its 16 times compressed version
    teacher: Path | None = None  # a checkpoint whose pictures to come near, by its loss weight
    exclude: Path | None = None  # JSON list (or eval.json) of held-out pictures
    steps: int = 10_000
    batch: int = 4
    share: int = 1  # photographs of a batch that share a style: the style side is half of a step
    crop: int = 160  # pixels, a multiple of 8
    style_crop: int | None = None  # side of a painting's crop; None for that of a photograph's
    context: int = 16  # pixels of the photograph around a crop: seen by the network, not judged
    rate: float = 1e-3  # Adam, decaying to a twentieth by a half cosine
    schedule: int | None = None  # steps of that half cosine; None for as many as the run has
    drawn: float = 0.0  # share of styles that are patterns drawn at random, no paintings
    recolour: float = 0.0  # share of styles whose hues are turned
    contrast: float = 0.0  # share of styles whose contrast and gamma are changed
    gradient_map: float = 0.0  # share of styles that get a palette nobody painted with
    flatten: float = 0.0  # share of photographs whose contrast is lowered
    degrade: float = 0.0  # share of photographs seen noisy and compressed, and judged clean
    style_ramp: int = 1000  # steps over which the style weight grows from a twentieth to the whole
    weights: LossWeights = LossWeights()
    structure_levels: tuple[int, ...] = (1, 2)  # of the structure loss: relu1_1 to relu4_1
    style_norm: StyleNorm = "l2"  # the paper's; "mse" is AdaIN's, and a few styles outweigh all
    style_side_only: bool = False  # the frame path's weights stay as they are
    first_weights: FirstWeights = "random"  # or of hsi-vgg, or of what is added to it
    precision: Precision = "fp32"  # of the loss network, on a GPU of the trained network too
    device: str = "cpu"
    seed: int = 0
    save_every: int = 500
    sheet_every: int = 500

    def __post_init__(self) -> None:
        for name in ("steps", "batch", "crop", "save_every", "sheet_every"):
            if getattr(self, name) < 1:
                raise OptionError(f"{name} must be at least 1, got {getattr(self, name)}")
        if self.share < 1 or self.batch % self.share:
            raise OptionError(f"share must divide the batch of {self.batch}, got {self.share}")
        if self.schedule is not None and self.schedule < self.steps:
            raise OptionError(
                f"schedule must be at least the {self.steps} steps, got {self.schedule}"
            )
        if self.style_ramp < 0:
            raise OptionError(f"style_ramp must be 0 or more, got {self.style_ramp}")
        if self.crop % 8 or self.crop < 64:
            raise OptionError(f"crop must be a multiple of 8 from 64, got {self.crop}")
        if self.style_crop is not None and (self.style_crop % self.crop or self.style_crop < 1):
            raise OptionError(
                f"style_crop must be a multiple of the crop of {self.crop}, got {self.style_crop}"
            )
        if self.context % 8 or self.context < 0:
            raise OptionError(f"context must be a multiple of 8 from 0, got {self.context}")
        if not 0 < self.rate < 1:
            raise OptionError(f"rate must lie between 0 and 1, got {self.rate}")
        for name in ("drawn", "recolour", "contrast", "gradient_map", "flatten", "degrade"):
            if not 0 <= getattr(self, name) <= 1:
                raise OptionError(f"{name} must lie between 0 and 1, got {getattr(self, name)}")
        levels = self.structure_levels
        if not levels or not set(levels) <= {1, 2, 3, 4} or len(set(levels)) < len(levels):
            raise OptionError(f"structure_levels must be some of 1, 2, 3 and 4, got {levels}")
        if self.weights.identity and self.style_crop not in (None, self.crop):
            raise OptionError(
                f"style_crop must be the crop of {self.crop} beside an identity loss, where a "
                f"photograph is its own style, got {self.style_crop}"
            )
        if self.style_norm not in ("l2", "mse"):
            raise OptionError(f"style_norm must be l2 or mse, got {self.style_norm!r}")
        if self.precision not in ("fp32", "bf16"):
            raise OptionError(f"precision must be fp32 or bf16, got {self.precision!r}")
        if bool(self.weights.teacher) != bool(self.teacher):
            found = "a weight alone" if self.teacher is None else "a weight of 0"
            raise OptionError(
                f"a teacher must come with a teacher weight above 0, and that with it, got {found}"
            )
        checked_device(self.device)

    @property
    def run_folder(self) -> Path:
        """Where the log, the contact sheets and the state of the run lie."""
        return self.out.with_suffix(".run")

    def to_dict(self) -> dict[str, Any]:
        """Plain values for a log or a checkpoint's provenance: folders by name only."""
        values = asdict(self)
        for name in ("content", "style"):
            values[name] = [path.name for path in values[name]]
        values["out"] = self.out.name
        values["loss_network"] = self.loss_network.name
        for name in ("exclude", "teacher"):
            values[name] = values[name] and values[name].name
        return values
