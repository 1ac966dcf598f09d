"""The unit and the container file say nothing that is not so."""

from __future__ import annotations

import configparser
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
UNIT = ROOT / "examples" / "deploy" / "hsi-edge@.service"
CONTAINER = ROOT / "examples" / "deploy" / "Containerfile"


@pytest.fixture(scope="module")
def config() -> configparser.ConfigParser:
    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg")
    return parser


@pytest.mark.parametrize("path", [UNIT, CONTAINER])
def test_commands_extras_and_options_exist(path: Path, config: configparser.ConfigParser) -> None:
    text = path.read_text()
    scripts = config["options.entry_points"]["console_scripts"]

    for command in set(re.findall(r"\bhsi-(?:run|doctor|bench|export|inspect)\b", text)):
        assert f"{command} = " in scripts
    (extras,) = set(re.findall(r"(?:hsi-edge|/src)\[([\w,]+)\]", text))
    assert set(extras.split(",")) <= set(config["options.extras_require"])


@pytest.mark.parametrize("path", [UNIT, CONTAINER])
def test_the_line_that_is_shown_is_one_that_hsi_run_takes(path: Path) -> None:
    from hsi.runtime.arguments import parse, request_from

    text = path.read_text()
    found = re.search(r"LINE=([^']+)'|hsi-edge hsi-run (.+)", text)

    assert found is not None
    request = request_from(parse((found[1] or found[2]).split()))
    assert (request.outputs, len(request.attachments)) == (("line.mkv",), 1)


def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("there is no systemd-analyze")
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("hsi-run", "hsi-doctor"):
        (programs / name).write_text("#!/bin/sh\n")
        (programs / name).chmod(0o755)
    # The same unit with programs that are there, and started: a template has no name of its own.
    unit = tmp_path / "hsi-edge@line3.service"
    unit.write_text(UNIT.read_text().replace("/opt/hsi-edge/bin", str(programs)))

    command = ["systemd-analyze", "verify", "--man=no", str(unit)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)

    told = [line for line in done.stderr.splitlines() if "hsi-edge" in line]
    assert (done.returncode, told) == (0, [])
