from pathlib import Path

from hsi.train.run_log import COLUMNS, RunLog


def rows(path: Path) -> list[list[str]]:
    return [line.split(",") for line in path.read_text().splitlines()]


def write(path: Path, first: int, last: int) -> None:
    with RunLog(path, first) as log:
        for step in range(first + 1, last + 1):
            log.write(step, {"total": step / 2, "rate": 1e-3})


def test_a_log_has_a_heading_and_one_row_a_step(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"

    write(path, 0, 3)

    heading, *body = rows(path)
    assert heading == list(COLUMNS)
    assert [row[0] for row in body] == ["1", "2", "3"]
    values = dict(zip(heading, body[1], strict=True))
    assert {name: value for name, value in values.items() if value != "0"} == {
        "step": "2",
        "total": "1",
        "rate": "0.001",
    }


def test_a_resumed_log_drops_the_steps_that_will_be_made_again(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    write(path, 0, 7)

    write(path, 4, 6)

    assert [row[0] for row in rows(path)[1:]] == ["1", "2", "3", "4", "5", "6"]


def test_a_row_cut_short_by_a_kill_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    write(path, 0, 3)
    path.write_text(path.read_text()[:-9])

    write(path, 3, 4)

    assert [row[0] for row in rows(path)[1:]] == ["1", "2", "4"]


def test_a_log_from_before_a_loss_was_there_has_none_of_it(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("step,total,style\n1,3,2\n2,2.5,1.5\n")

    write(path, 2, 3)

    heading, *body = rows(path)
    assert heading == list(COLUMNS)
    assert [row[:3] for row in body] == [["1", "3", "2"], ["2", "2.5", "1.5"], ["3", "1.5", "0"]]
    assert body[0][3:] == ["0"] * (len(COLUMNS) - 3)


def test_a_fresh_run_forgets_an_old_log(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    write(path, 0, 3)

    write(path, 0, 1)

    assert [row[0] for row in rows(path)[1:]] == ["1"]


def test_flushed_rows_are_on_disk_before_the_log_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    with RunLog(path, 0) as log:
        log.write(1, {})
        log.flush()

        assert len(rows(path)) == 2
