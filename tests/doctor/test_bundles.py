from __future__ import annotations

from pathlib import Path

from hsi.doctor import Level
from hsi.doctor.bundles import bundle_of, whole_bundles


def test_a_whole_bundle_is_named_with_its_precisions(shipped: Path) -> None:
    path, found = bundle_of(None)

    assert path == shipped
    assert found.level is Level.OK
    assert "hsi-edge" in found.text
    assert "is as it was written" in found.text


def test_a_bundle_that_is_not_there_is_a_fault(tmp_path: Path) -> None:
    path, found = bundle_of(tmp_path / "no.hsi")

    assert path is None
    assert found.level is Level.FAULT
    assert "found no such file" in found.text


def test_engines_are_tried_with_the_shipped_bundle_where_the_other_is_damaged(
    shipped: Path, tmp_path: Path
) -> None:
    mine = tmp_path / "mine.hsi"

    assert [*whole_bundles(mine)] == [mine]
    assert [*whole_bundles(None)] == [shipped]
