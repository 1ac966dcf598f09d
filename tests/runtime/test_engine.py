from __future__ import annotations

import logging
import subprocess
import sys
import types
from importlib import metadata
from pathlib import Path

import pytest

from hsi.runtime import engine as engines
from hsi.runtime.bundle import Bundle
from hsi.runtime.engine import ENGINES, open_engine
from hsi.runtime.errors import EngineError, OptionError

DOCS = Path(__file__).resolve().parents[2] / "docs" / "engines.md"


def test_an_unknown_engine_is_refused_with_those_there_are(small_bundle: Path) -> None:
    match = f"^engine must be one of {', '.join(ENGINES)}, got 'x'"
    with pytest.raises(OptionError, match=match):
        open_engine(Bundle(small_bundle), "x")


def test_the_docs_have_a_row_for_each_engine() -> None:
    table = DOCS.read_text().partition("\n\n")[2].partition("\n\n")[0]

    rows = [line.split("`")[1] for line in table.splitlines()[2:]]

    assert sorted(["auto", *rows]) == sorted(ENGINES)


def test_no_threads_are_refused(small_bundle: Path) -> None:
    with pytest.raises(OptionError, match="threads must be at least 1, got 0"):
        open_engine(Bundle(small_bundle), threads=0)


def test_the_engine_that_runs_is_named_in_the_log(
    shipped: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    engine = open_engine(Bundle(shipped), threads=1)
    engine.close()
    assert engine.name in ENGINES
    assert f"engine {engine.name} runs hsi-edge.hsi at FP32, auto was asked for" in caplog.messages


def test_an_engine_asked_for_but_not_there_says_what_to_install(shipped: Path) -> None:
    ort = pytest.importorskip("onnxruntime")
    if "CUDAExecutionProvider" in ort.get_available_providers():
        pytest.skip("this build of ONNX Runtime has CUDA")
    match = r"onnxruntime-cuda is not in this build .*: install 'hsi-edge\[gpu\]' instead"
    with pytest.raises(EngineError, match=match):
        open_engine(Bundle(shipped), "onnxruntime-cuda")


def test_a_missing_onnx_runtime_names_both_extras(
    small_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    monkeypatch.delitem(sys.modules, "hsi.runtime.onnxruntime_engine", raising=False)
    monkeypatch.setitem(sys.modules, "openvino", None)
    monkeypatch.setattr(engines, "_has", lambda name: False)
    match = (
        r"no engine is installed: .*'hsi-edge\[openvino\]', 'hsi-edge\[cpu\]', or "
        r"'hsi-edge\[gpu\]' on a machine with"
    )
    with pytest.raises(EngineError, match=match):
        open_engine(Bundle(small_bundle))


def test_an_engine_asked_for_by_name_and_missing_is_named_with_its_extra(
    small_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    monkeypatch.setattr(engines, "_has", lambda name: False)
    for name, extra in (("onnxruntime-cpu", "cpu"), ("onnxruntime-cuda", "gpu")):
        match = rf"engine {name}: expected ONNX Runtime, found none: .* 'hsi-edge\[{extra}\]'"
        with pytest.raises(EngineError, match=match):
            open_engine(Bundle(small_bundle), name)


def test_an_onnx_runtime_that_does_not_load_says_why(
    small_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    monkeypatch.setattr(engines, "_has", lambda name: name == "onnxruntime")
    with pytest.raises(
        EngineError, match=r"expected ONNX Runtime, which does not load \(import of"
    ):
        open_engine(Bundle(small_bundle), "onnxruntime-cpu")


def test_what_an_uninstall_left_over_is_no_engine(
    small_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", types.ModuleType("onnxruntime"))
    with pytest.raises(EngineError, match="found an empty folder of that name: run pip uninstall"):
        open_engine(Bundle(small_bundle), "onnxruntime-cpu")


def test_two_onnx_runtimes_in_one_environment_are_warned_of(
    small_bundle: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(metadata, "version", lambda name: "1.0")
    with pytest.raises(EngineError):  # its graphs are none
        open_engine(Bundle(small_bundle), "onnxruntime-cpu")
    assert "onnxruntime and onnxruntime-gpu are both installed" in caplog.text


def test_one_onnx_runtime_is_not_warned_of(
    small_bundle: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(engines, "_has", lambda name: name == "onnxruntime")
    with pytest.raises(EngineError):
        open_engine(Bundle(small_bundle), "onnxruntime-cpu")
    assert caplog.text == ""


def test_the_runtime_imports_no_torch_no_onnx_and_no_engine() -> None:
    code = (
        "import sys, hsi.runtime\nprint({'torch', 'onnx', 'onnxruntime', 'av'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("set()\n", "")


def test_the_runtime_stylises_without_torch(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "sys.modules.update(dict.fromkeys(['torch', 'onnx', 'safetensors']))\n"
        "import numpy as np, hsi.runtime\n"
        "with hsi.runtime.load(threads=1) as stylizer:\n"
        "    print(stylizer(np.zeros((64, 64, 3), np.uint8)).shape)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("(64, 64, 3)\n", "")
