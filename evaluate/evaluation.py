"""The outcome of an evaluation: as values for JSON, and as a table."""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from hsi.evaluate.measures import Scores
from hsi.evaluate.options import EvaluationOptions
from hsi.evaluate.score_table import ScoreTable

FORMAT = "hsi evaluation"
VERSION = 1
LEGEND = "lower is nearer for all but SSIM; style loss: to the style; the others: to the content"


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """Scores of a method, of the baseline, or of both in this order."""

    options: EvaluationOptions
    vgg_sha256: str
    tables: tuple[ScoreTable, ...]  # at least one; all of the same pairs

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON, without folders: what a reader needs to score alike."""
        options = self.options
        return {
            "format": FORMAT,
            "version": VERSION,
            "hsi-edge": _version(),
            "protocol": {
                "size": options.size,
                "strength": self._strength(),
                "codes": "encoded" if options.codes is None else "tuned",
                "vgg": {"file": options.vgg.name, "sha256": self.vgg_sha256},
                "bootstrap": {"resamplings": options.resamplings, "seed": options.seed},
            },
            "contents": [path.name for path in options.pairs.contents],
            "styles": [path.name for path in options.pairs.styles],
            "results": [t.to_dict(options.resamplings, options.seed) for t in self.tables],
        }

    def text(self, *, per_style: bool = False) -> str:
        """A table for people; ``per_style`` adds a row for each style."""
        options = self.options
        pairs = options.pairs
        width = max(24, *(len(name) for name in self._names(per_style)))
        heads = ("content loss", "style loss", "SSIM", "VGG distance")
        lines = [
            f"{len(pairs.styles)} styles by {len(pairs.contents)} content pictures, {len(pairs)} "
            f"pairs at {options.size}x{options.size}; {self.heading()}",
            " " * width + "".join(f"{head:>19}" for head in heads),
        ]
        for table in self.tables:
            error = table.standard_error(options.resamplings, options.seed)
            lines.append(_row(table.method, width, table.mean(), error))
            names = enumerate(table.styles) if per_style else ()
            lines += [_row(f"  {name}", width, table.style_mean(s), None) for s, name in names]
        return "\n".join([*lines, LEGEND])

    def heading(self) -> str:
        """What the numbers are, in words."""
        if len(self.options.pairs) == 1:
            return "one pair: no standard error"
        if self.options.resamplings == 0:
            return "mean ± standard error over pairs"
        return "mean ± bootstrap standard error over styles and content pictures"

    def _strength(self) -> float | None:
        options = self.options
        if options.method is None or options.method.is_dir():
            return None
        return 1.0 if options.strength is None else options.strength

    def _names(self, per_style: bool) -> Iterator[str]:
        for table in self.tables:
            yield table.method
            if per_style:
                yield from (f"  {name}" for name in table.styles)


def _row(name: str, width: int, mean: Scores, error: Scores | None) -> str:
    cells = []
    for measure, value in vars(mean).items():
        behind = "" if error is None else f" ± {getattr(error, measure):.3f}"
        cells.append(f"{value:.3f}{behind:<8}".rjust(19))
    return f"{name:<{width}}" + "".join(cells).rstrip()


def _version() -> str | None:
    try:
        return version("hsi-edge")
    except PackageNotFoundError:  # run from a copy of the sources
        return None
