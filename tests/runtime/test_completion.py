"""Asked as a shell asks: the line so far in the environment, the words that fit in a file."""

from __future__ import annotations

import argparse
import configparser
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from hsi.runtime.completion import complete
from hsi.runtime.styles import shipped_styles

Complete = Callable[[str, str], list[str]]

ROOT = Path(__file__).resolve().parents[2]


def _commands() -> dict[str, str]:
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    scripts = config["options.entry_points"]["console_scripts"].strip().splitlines()
    return dict(re.split(" = |:", script)[:2] for script in scripts)


COMMANDS = _commands()
"""The module of each command."""


@pytest.fixture
def completed(tmp_path: Path) -> Complete:
    """Return the words that may complete a line, typed in an empty folder."""
    pytest.importorskip("argcomplete", reason="argcomplete is not installed")

    def ask(command: str, words: str) -> list[str]:
        line = f"{command} {words}"
        asked = {
            "_ARGCOMPLETE": "1",
            "_ARGCOMPLETE_IFS": "\n",
            "_ARGCOMPLETE_SHELL": "bash",
            "_ARGCOMPLETE_STDOUT_FILENAME": f"{tmp_path}/words",
            "COMP_LINE": line,
            "COMP_POINT": str(len(line)),
        }
        done = subprocess.run(
            [sys.executable, "-m", COMMANDS[command]],
            cwd=tmp_path,
            env={**os.environ, **asked},
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert (done.returncode, done.stdout) == (0, ""), done.stderr
        return [word.strip() for word in (tmp_path / "words").read_text().split("\n")]

    return ask


@pytest.mark.parametrize(
    ("command", "option"),
    [
        ("hsi-run", "--strength"),
        ("hsi-inspect", "--json"),
        ("hsi-export", "--dry-run"),
        ("hsi-train", "--loss-network"),
        ("hsi-tune", "--loss-network"),
    ],
)
def test_every_command_completes_its_options(
    completed: Complete, command: str, option: str
) -> None:
    assert completed(command, option[:5]) == [option]


def test_style_names_complete_and_so_do_pictures(completed: Complete, tmp_path: Path) -> None:
    (tmp_path / "mine.jpg").touch()
    assert set(completed("hsi-run", "--style ")) >= {*shipped_styles(), "mine.jpg"}
    assert completed("hsi-run", "--camera 0 --style starry") == ["starry-night"]


def test_choices_complete(completed: Complete) -> None:
    assert set(completed("hsi-run", "--policy ")) == {"latest", "every"}
    assert completed("hsi-run", "--engine onnxruntime-cu") == ["onnxruntime-cuda"]
    assert completed("hsi-run", "--engine openvino-") == ["openvino-gpu", "openvino-npu"]


@pytest.mark.parametrize("module", COMMANDS.values())
def test_every_command_is_marked_for_the_shell(module: str) -> None:
    folder, name = module.split(".")[1:]
    source = ROOT / folder / f"{name}.py"
    assert "PYTHON_ARGCOMPLETE_OK" in source.read_text()[:1024]


def test_a_command_that_nobody_asks_does_not_load_it() -> None:
    code = (
        "import sys\n"
        "from hsi.runtime.arguments import parse\n"
        "parse(['0'])\n"
        "print('argcomplete' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout == "False\n", done.stderr


def test_without_argcomplete_a_shell_that_asks_starts_no_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "argcomplete", None)
    parser = argparse.ArgumentParser()
    assert complete(parser) is parser
    monkeypatch.setenv("_ARGCOMPLETE", "1")
    with pytest.raises(SystemExit, match="1"):
        complete(parser)
