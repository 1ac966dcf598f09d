"""``log.csv`` of a training run: one row a step, for any plotting tool."""

from pathlib import Path
from types import TracebackType

COLUMNS = (
    "step",
    "total",
    "style",
    "content",
    "grey_content",
    "adversarial",
    "identity",
    "structure",
    "palette",
    "consistency",
    "teacher",
    "discriminator",
    "rate",
)


class RunLog:
    """The log of one run, opened at the step from which the run goes on.

    Rows of later steps, which a killed run may have left, are dropped: it will make them again.

    Args:
        path: Where.
        step: Steps already done.
    """

    def __init__(self, path: Path, step: int) -> None:
        kept = _rows_until(path, step)
        self._file = path.open("w")
        self._file.write("".join(f"{row}\n" for row in (",".join(COLUMNS), *kept)))
        self.flush()

    def write(self, step: int, values: dict[str, float]) -> None:
        """Add a step's row; a loss that is not in use is 0."""
        rounded = (f"{values.get(name, 0.0):.6g}" for name in COLUMNS[1:])
        self._file.write(",".join((str(step), *rounded)) + "\n")
        if step % 20 == 0:
            self.flush()

    def flush(self) -> None:
        """Bring every row to disk, so that a state saved next never is ahead of its log."""
        self._file.flush()

    def __enter__(self) -> "RunLog":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()


def _rows_until(path: Path, step: int) -> list[str]:
    if not path.is_file():
        return []
    head, *rows = path.read_text().splitlines() or [""]
    columns = head.split(",")
    kept = []
    for row in rows:
        values = dict(zip(columns, row.split(","), strict=False))
        # A kill may have cut the last row short; a log of before has no column for a newer loss.
        whole = row.count(",") == len(columns) - 1
        number = values.get("step", "")
        if whole and number.isdecimal() and int(number) <= step:
            kept.append(",".join(values.get(name, "0") for name in COLUMNS))
    return kept
