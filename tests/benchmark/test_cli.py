from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from hsi.benchmark.cli import main
from hsi.benchmark.options import BenchOptions
from hsi.runtime.errors import OptionError

QUICK = ("--size", "96x64", "--duration", "50ms", "--threads", "1", "-q")


def test_a_table_has_a_row_for_each_size(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*QUICK, "--engine", "onnxruntime-cpu", "--size", "128x64"]) == 0

    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert lines[1].split()[:4] == ["size", "engine", "precision", "p50"]
    rows = [line.split()[:3] for line in lines[2:4]]
    assert rows == [["96x64", "onnxruntime-cpu", "fp32"], ["128x64", "onnxruntime-cpu", "fp32"]]
    assert err == ""


def test_json_holds_percentiles_memory_and_the_copy(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("openvino")
    words = ["--engine", "onnxruntime-cpu", "--engine", "openvino", "--precision", "fp32"]

    assert main([*QUICK, *words, "--json"]) == 0

    result = json.loads(capsys.readouterr().out)
    first, second = result["rows"]
    assert (first["engine"], second["engine"]) == ("onnxruntime-cpu", "openvino")
    for row in result["rows"]:
        timing = row["timing"]
        assert 0 < timing["p50_ms"] <= timing["p95_ms"] <= timing["p99_ms"]
        assert row["frames_per_s"] == pytest.approx(1e3 / timing["p50_ms"], rel=1e-3)
        assert row["memory_mib"] is None or row["memory_mib"] >= 0
        assert row["copies"] > 1
        assert timing["rounds"] == result["copy"][0]["rounds"] >= 3
    assert first["against_first"] == 1
    assert result["transfers"] == "included"
    assert "onnxruntime" in result["machine"]


def test_progress_names_each_contestant(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*QUICK[:-1], "--engine", "onnxruntime-cpu", "--precision", "fp32"]) == 0

    assert capsys.readouterr().err.splitlines() == [
        "hsi-bench: 96x64: opening onnxruntime-cpu fp32",
        "hsi-bench: 96x64: measuring",
    ]


@pytest.mark.parametrize(
    ("words", "code", "part"),
    [
        (["--engine", "abacus"], 2, "argument --engine: invalid choice: 'abacus'"),
        (["--size", "12"], 2, "--size must be WIDTHxHEIGHT such as 1280x720, got '12'"),
        (["--size", "96x64", "--size", "96x64"], 2, "sizes must be given, each once"),
        (["--duration", "soon"], 2, "--duration must be a time such as 10s"),
        (["--threads", "0"], 2, "threads must be at least 1, got 0"),
        (["gone.hsi"], 4, "gone.hsi: expected a bundle, found no such file"),
        (["--precision", "int8"], 4, "expected a stylizer at int8, found fp32"),
        (["--size", "10x10"], 6, "frame"),
    ],
)
def test_wrong_words_are_one_line(
    words: list[str],
    code: int,
    part: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)

    assert main([*words, "-q"]) == code

    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("hsi-bench: ")
    assert err.count("\n") == 1
    assert part in err


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"engines": ()}, r"engines must be given, each once, got \(\)"),
        ({"engines": ("auto", "auto")}, "engines must be given, each once"),
        ({"engines": ("abacus",)}, "engines must be of auto, .*, got 'abacus'"),
        ({"precisions": ("fp8",)}, "precisions must be of fp32, fp16, int8, got 'fp8'"),
        ({"seconds": 0}, "seconds must be above 0 and at most 3600, got 0"),
    ],
)
def test_options_name_what_is_wrong(options: dict[str, object], match: str) -> None:
    with pytest.raises(OptionError, match=match):
        BenchOptions(**options)  # type: ignore[arg-type]


def test_help_loads_no_engine() -> None:
    code = (
        "import sys\n"
        "from hsi.benchmark.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "print({'onnxruntime', 'openvino', 'torch'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)

    assert "exit codes:" in done.stdout
    assert done.stdout.endswith("set()\n")
