"""No library that computes for us reports to its maker: run for real, in processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
import types
from importlib.util import find_spec
from pathlib import Path

import pytest

from hsi.runtime import telemetry

ROOT = Path(__file__).resolve().parents[2]
OPEN = """\
import threading, hsi.runtime
from hsi.runtime.engine import open_engine
for engine in {engines}:
    open_engine(hsi.runtime.Bundle("{bundle}"), engine, threads=1).close()
print([thread.name for thread in threading.enumerate()])
"""
PACKAGES = {"openvino": "openvino", "onnxruntime-cpu": "onnxruntime"}
ENGINES = [engine for engine, package in PACKAGES.items() if find_spec(package)]


def test_engines_start_no_reporter_and_give_the_user_no_number(
    shipped: Path, tmp_path: Path
) -> None:
    told = _told(OPEN.format(engines=ENGINES, bundle=shipped), tmp_path)

    assert told == "['MainThread']\n"
    # Left alone they keep one in ~/intel and in $XDG_CACHE_HOME/Microsoft.
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize("known", [True, False])
def test_openvino_is_imported_as_where_there_is_no_reporter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, known: bool
) -> None:
    reporter = types.ModuleType(telemetry.OPENVINO_REPORTER)
    (tmp_path / "openvino.py").write_text(f"import {telemetry.OPENVINO_REPORTER}")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "openvino", raising=False)
    monkeypatch.delitem(sys.modules, telemetry.OPENVINO_REPORTER, raising=False)
    if known:
        monkeypatch.setitem(sys.modules, telemetry.OPENVINO_REPORTER, reporter)

    with pytest.raises(ImportError, match=f"import of {telemetry.OPENVINO_REPORTER} halted"):
        telemetry.load_openvino()

    found = sys.modules.get(telemetry.OPENVINO_REPORTER)
    assert found is (reporter if known else None)


def test_every_package_that_imports_onnxruntime_declines_first(tmp_path: Path) -> None:
    packages = ["hsi.runtime", "hsi.export", "hsi.calibrate"]
    lines = [
        "import importlib, os, sys",
        f"for package in {packages}:",
        f"    os.environ.pop({telemetry.ONNXRUNTIME_DECLINES!r}, None)",
        "    for name in [name for name in sys.modules if name.startswith('hsi.')]:",
        "        del sys.modules[name]",
        "    importlib.import_module(package)",
        f"    print(os.environ[{telemetry.ONNXRUNTIME_DECLINES!r}], 'onnxruntime' in sys.modules)",
    ]
    importing = {
        f"hsi.{path.relative_to(ROOT).parts[0]}"
        for folder in ROOT.iterdir()
        if (folder / "__init__.py").is_file()
        for path in folder.rglob("*.py")
        if "import onnxruntime" in path.read_text() or "from onnxruntime" in path.read_text()
    }

    assert importing == set(packages)
    assert _told("\n".join(lines), tmp_path) == "1 False\n" * len(packages)


def test_a_user_who_lets_onnxruntime_report_is_not_overruled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(telemetry.ONNXRUNTIME_DECLINES, "0")

    telemetry.decline_for_onnxruntime()

    assert os.environ[telemetry.ONNXRUNTIME_DECLINES] == "0"


def _told(code: str, home: Path) -> str:
    """What a program prints that starts as on a user's machine: with nothing declined."""
    declines = ("CI", "TF_BUILD", "JENKINS_URL", telemetry.ONNXRUNTIME_DECLINES)
    kept = {name: value for name, value in os.environ.items() if name not in declines}
    environment = {**kept, "HOME": str(home), "XDG_CACHE_HOME": str(home)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.stderr == ""
    return done.stdout
