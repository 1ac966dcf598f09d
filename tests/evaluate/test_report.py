import os
from pathlib import Path

import numpy as np
import pytest

from hsi.evaluate.report import folder_beside
from hsi.evaluate.sheet import ContactSheet
from hsi.runtime.errors import OptionError, OutputError


def write(out: Path, text: str, *, force: bool = False) -> None:
    with folder_beside(out, force=force) as folder:
        (folder / "scores.json").write_text(text)


def test_a_folder_appears_whole_and_its_parents_with_it(tmp_path: Path) -> None:
    out = tmp_path / "deep" / "report"

    with folder_beside(out, force=False) as folder:
        (folder / "scores.json").write_text("{}")
        assert not out.exists()

    assert [path.name for path in out.iterdir()] == ["scores.json"]
    assert os.listdir(out.parent) == ["report"]


def test_an_empty_folder_is_filled(tmp_path: Path) -> None:
    (tmp_path / "report").mkdir()

    write(tmp_path / "report", "new")

    assert (tmp_path / "report" / "scores.json").read_text() == "new"


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_fault_leaves_nothing(tmp_path: Path, error: type[BaseException]) -> None:
    with pytest.raises(error, match="half"), folder_beside(tmp_path / "report", force=False) as f:
        (f / "scores.json").write_text("half")
        raise error("half")

    assert os.listdir(tmp_path) == []


def test_an_older_report_is_replaced_with_force_alone(tmp_path: Path) -> None:
    out = tmp_path / "report"
    write(out, "old")

    with pytest.raises(OptionError, match=r"report/ exists: pass --force to replace it"):
        write(out, "new")
    assert (out / "scores.json").read_text() == "old"

    write(out, "new", force=True)
    assert (out / "scores.json").read_text() == "new"
    assert os.listdir(tmp_path) == ["report"]


def test_force_replaces_nothing_but_a_report(tmp_path: Path) -> None:
    out = tmp_path / "photos"
    out.mkdir()
    (out / "boat.png").touch()

    with pytest.raises(
        OptionError, match=r"photos/: expected an older report to replace, found boat\.png in it"
    ):
        write(out, "new", force=True)
    assert (out / "boat.png").exists()


def test_a_replacement_that_fails_leaves_the_older_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "report"
    write(out, "old")
    rename = Path.rename

    def fail(self: Path, target: Path) -> Path:
        if self.suffix == ".part":
            raise PermissionError(13, "no")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises(OutputError, match="report: cannot write it: no permission"):
        write(out, "new", force=True)
    assert (out / "scores.json").read_text() == "old"
    assert os.listdir(tmp_path) == ["report"]


def test_a_file_in_the_way_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(OptionError, match="file is a file: give the name of a folder"):
        write(tmp_path / "file", "new")
    with pytest.raises(OutputError, match="report: cannot write it: "):
        write(tmp_path / "file" / "report", "new")


def test_a_sheet_has_styles_in_rows_and_contents_in_columns() -> None:
    sheet = ContactSheet(styles=1, contents=2)
    sheet.put(1, 2, np.full((64, 64, 3), 7, np.uint8))

    assert sheet.image.shape == (2 * 262 + 6, 3 * 262 + 6, 3)
    assert (sheet.image[268:524, 530:786] == 7).all()
    assert (sheet.image == 7).sum() == 256 * 256 * 3


def test_cells_of_a_large_sheet_shrink() -> None:
    height, width, _ = ContactSheet(styles=1, contents=400).image.shape

    assert width <= 16_384
    assert height < 200
