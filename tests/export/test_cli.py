from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from hsi.export import exporter
from hsi.export.cli import main
from hsi.model import StyleNetwork
from hsi.runtime.bundle import Bundle

Main = Callable[..., int]


@pytest.fixture
def small_frames(small_comparisons: None) -> Main:
    """The command, comparing small frames only."""
    return lambda *words: main([str(word) for word in words])


def _names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.mark.usefixtures("quick_exports")
def test_a_table_tells_what_was_checked_and_written(
    small_frames: Main, checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert small_frames(checkpoint, "-o", tmp_path / "a.hsi") == 0
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert lines[0].split() == "frame values worst over 1 torch against ONNX Runtime".split()
    assert lines[1].split()[:2] == ["96x80", "23040"]
    assert [line.split()[-1] for line in lines[1:3]] == ["agrees", "agrees"]
    assert lines[3].startswith("expected: at most 2 of 255, at most 0.01% of values over 1")
    assert lines[4].startswith(f"wrote {tmp_path}/a.hsi, ")
    assert [line.split(":")[0] for line in err.splitlines()] == [
        "reading tiny.pt",
        "style encoder to ONNX",
        "stylizer to ONNX",
        "receptive field",
        "torch against ONNX Runtime at 96x80",
        "torch against ONNX Runtime at 131x97",
        f"writing {tmp_path}/a.hsi",
    ]
    Bundle(tmp_path / "a.hsi").verify()


@pytest.mark.usefixtures("quick_exports")
def test_json_is_all_there_is_on_stdout(
    small_frames: Main, checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "a.hsi"
    assert small_frames(checkpoint, "-o", out, "--json", "--dry-run", "--quiet") == 0
    text, err = capsys.readouterr()
    report = json.loads(text)
    assert (report["agrees"], report["written"], report["out"]) == (True, False, str(out))
    assert [row["size"] for row in report["comparisons"]] == ["96x80", "131x97"]
    assert err == ""
    assert _names(tmp_path) == set()


@pytest.mark.usefixtures("quick_exports")
def test_the_bundle_lies_beside_the_model_unless_told(
    small_frames: Main, checkpoint: Path, tmp_path: Path
) -> None:
    model = tmp_path / "line3.pt"
    model.write_bytes(checkpoint.read_bytes())
    assert small_frames(model, "--quiet") == 0
    assert _names(tmp_path) == {"line3.pt", "line3.hsi"}


@pytest.mark.usefixtures("quick_exports")
def test_a_dry_run_says_so(
    small_frames: Main, checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert small_frames(checkpoint, "-o", tmp_path / "a.hsi", "--dry-run") == 0
    assert capsys.readouterr().out.endswith("a.hsi not written: dry run\n")
    assert _names(tmp_path) == set()


@pytest.mark.usefixtures("quick_exports")
def test_a_disagreement_exits_5_and_writes_nothing(
    small_frames: Main,
    checkpoint: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # as if the graphs had been written with another style encoder than the network's
    encode = StyleNetwork.encode_style
    monkeypatch.setattr(
        StyleNetwork, "encode_style", lambda self, style: encode(self, style.flip(1))
    )
    assert small_frames(checkpoint, "-o", tmp_path / "a.hsi") == 5
    out, err = capsys.readouterr()
    assert "DISAGREES" in out
    assert out.endswith("a.hsi not written: the graphs do not give what torch gives\n")
    assert err.splitlines()[-1].endswith("torch and the exported graphs disagree: nothing written")
    assert _names(tmp_path) == set()


@pytest.mark.parametrize(
    ("words", "code", "part"),
    [
        (["gone.pt"], 3, "gone.pt: expected a checkpoint, found no such file"),
        (["."], 2, "the model must be a file, got '.'"),
        ([""], 2, "the model must be a file, got '.'"),
        (["a.pt", "-o", "a.onnx"], 2, "the bundle must end in .hsi, got 'a.onnx'"),
        (["a.pt", "-o", "gone/a.hsi"], 6, "expected folder gone, found none: make it"),
        (["a.pt", "-o", "old.hsi"], 2, "old.hsi exists: pass --force to replace it"),
    ],
)
def test_wrong_words_are_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    code: int,
    part: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "old.hsi").write_bytes(b"old")
    assert main(words) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("hsi-export: ")
    assert err.count("\n") == 1
    assert part in err
    assert (tmp_path / "old.hsi").read_bytes() == b"old"
    assert _names(tmp_path) == {"old.hsi"}


@pytest.mark.parametrize("missing", ["torch", "onnxruntime"])
def test_a_missing_package_is_named_with_what_to_install(tmp_path: Path, missing: str) -> None:
    code = (
        f"import sys; sys.modules[{missing!r}] = None\n"
        "from hsi.export.cli import main\n"
        f"sys.exit(main([{str(tmp_path / 'a.pt')!r}]))"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 4
    assert done.stderr == (
        f"hsi-export: an export needs {missing}, which is not installed: run pip install "
        "'hsi-edge[export,cpu]'\n"
    )


def test_help_needs_no_torch() -> None:
    code = (
        "import sys\n"
        "from hsi.export.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "print({'torch', 'onnx', 'onnxruntime'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert "exit codes:" in done.stdout
    assert done.stdout.endswith("set()\n")


@pytest.mark.parametrize(
    ("fault", "code", "line"),
    [
        (KeyboardInterrupt(), 130, "hsi-export: interrupted, nothing written\n"),
        (
            ZeroDivisionError("at\nnight"),
            6,
            "hsi-export: internal fault, nothing written: ZeroDivisionError: at night: please",
        ),
    ],
)
def test_an_end_before_time_is_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    fault: BaseException,
    code: int,
    line: str,
) -> None:
    def fail(path: Path) -> None:
        raise fault

    monkeypatch.setattr(exporter, "load_checkpoint", fail)
    assert main([str(tmp_path / "a.pt")]) == code
    err = capsys.readouterr().err
    assert err.startswith(line)
    assert err.count("\n") == 1


@pytest.mark.usefixtures("quick_exports")
def test_a_plan_is_built_of_the_bundle_that_was_written(
    small_frames: Main,
    checkpoint: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    built: list[tuple[Path, tuple[int, int]]] = []
    monkeypatch.setattr("hsi.runtime.trt.ahead.check_builder", lambda: None)
    monkeypatch.setattr(
        "hsi.runtime.trt.ahead.build_ahead", lambda path, size: built.append((path, size))
    )
    words = ["--target", "tensorrt", "--build", "640x360"]

    assert small_frames(checkpoint, "-o", tmp_path / "a.hsi", *words) == 0

    assert built == [(tmp_path / "a.hsi", (640, 360))]
    assert "a.hsi: its plan for 640x360 is kept on this machine" in capsys.readouterr().err


def test_without_a_gpu_a_build_is_refused_before_anything_is_exported(
    checkpoint: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("hsi.runtime.trt.device.LIBRARY", "libnone.so.1")
    words = [checkpoint, "-o", tmp_path / "a.hsi", "--target", "tensorrt", "--build", "640x360"]

    assert main([str(word) for word in words]) == 4

    err = capsys.readouterr().err
    assert "--build: no plan can be built here, nothing is exported: engine tensorrt: " in err
    assert err.count("\n") == 1
    assert not (tmp_path / "a.hsi").exists()


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["--build", "640x360"], "--build goes with --target tensorrt"),
        (["--target", "tensorrt", "--dry-run", "--build", "640x360"], "not with --dry-run"),
        (["--target", "tensorrt", "--build", "640"], "--build must be WIDTHxHEIGHT"),
    ],
)
def test_a_build_that_cannot_be_meant_is_refused(
    words: list[str], part: str, checkpoint: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(checkpoint), *words]) == 2
    assert part in capsys.readouterr().err


def test_a_wrong_option_exits_2_with_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["model.pt", "--sizee", "3"]) == 2
    expected = "hsi-export: unrecognized arguments: --sizee 3: see hsi-export --help\n"
    assert capsys.readouterr().err == expected
