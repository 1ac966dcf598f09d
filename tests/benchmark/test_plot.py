from __future__ import annotations

import sys
from pathlib import Path
from xml.etree import ElementTree

import cv2
import pytest

from hsi.benchmark.cli import main
from hsi.benchmark.plot import check_plot, write_plot
from hsi.benchmark.result import BenchResult, Row, Timing
from hsi.runtime.errors import OptionError, OutputError

pytest.importorskip("matplotlib")


def _row(engine: str, p50_ms: float, width: int = 1280, compute_ms: float | None = None) -> Row:
    timing = Timing(rounds=9, p50_ms=p50_ms, p95_ms=1.2 * p50_ms, p99_ms=1.5 * p50_ms)
    return Row(
        width=width,
        height=720,
        engine=engine,
        asked=engine,
        precision="fp32",
        timing=timing,
        compute_ms=compute_ms,
        memory_mib=None,
        device_mib=None,
        copies=9.0,
        against_first=1.0,
    )


RESULT = BenchResult(
    model="out/line3.hsi",
    machine={"processor": "a processor", "threads": "2 threads"},
    rows=(
        _row("onnxruntime-cpu", 54.6),
        _row("tensorrt", 3.2, compute_ms=2.1),
        _row("openvino", 130.5, width=1920),
    ),
    copy=(),
)


def test_a_picture_names_every_contestant_with_its_time(tmp_path: Path) -> None:
    write_plot(RESULT, tmp_path / "out.svg")

    text = (tmp_path / "out.svg").read_text()
    told = {(one.text or "").strip() for one in ElementTree.fromstring(text).iter()}
    comments = {part.partition("-->")[0].strip() for part in text.split("<!--")[1:]}
    for words in (
        "line3.hsi on a processor, 2 threads",
        "1280x720",
        "1920x720",
        "onnxruntime-cpu fp32",
        "54.6 ms, 18.3 fps",
        "of it on the device",
    ):
        assert words in told | comments
    assert [path.name for path in tmp_path.iterdir()] == ["out.svg"]


def test_a_png_is_a_picture(tmp_path: Path) -> None:
    write_plot(RESULT, tmp_path / "out.PNG")

    picture = cv2.imread(str(tmp_path / "out.PNG"))
    assert picture is not None
    assert picture.shape[1] == 9 * 144


def test_hsi_bench_writes_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--size", "96x64", "--duration", "20ms", "--threads", "1", "-q", "--no-verify"]

    assert main([*words, "--plot", str(tmp_path / "out.svg")]) == 0

    assert "96x64" in (tmp_path / "out.svg").read_text()


@pytest.mark.parametrize(
    ("name", "match"),
    [
        ("out.pdf", r"ends in \.png or \.svg, found 'out\.pdf'"),
        ("none/out.png", "the folder does not exist: create it first"),
    ],
)
def test_a_wrong_name_is_found_before_the_measurement(
    tmp_path: Path, name: str, match: str
) -> None:
    with pytest.raises((OptionError, OutputError), match=match):
        check_plot(tmp_path / name)


def test_a_missing_library_names_its_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)

    with pytest.raises(OptionError, match=r"--plot: needs .* 'hsi-edge\[plot\]'"):
        check_plot(tmp_path / "out.png")


def test_a_picture_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "out.png").mkdir()

    with pytest.raises(OutputError, match=r"out\.png: cannot be written: Is a directory"):
        write_plot(RESULT, tmp_path / "out.png")

    assert [path.name for path in tmp_path.iterdir()] == ["out.png"]
