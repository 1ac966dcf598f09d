"""NVIDIA's own parser and builder, where somebody lets 146 MB be fetched for it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("real_builder.py")


@pytest.mark.skipif(
    not os.environ.get("HSI_REAL_BUILDER"), reason="HSI_REAL_BUILDER=1 fetches the builder, 146 MB"
)
def test_every_graph_is_built_and_every_rule_judged_as_expected() -> None:
    done = subprocess.run(
        [sys.executable, str(SCRIPT)], capture_output=True, text=True, timeout=900
    )

    if done.returncode == 3:
        pytest.skip(f"pip has no such wheels here: {done.stderr.strip()}")
    assert done.returncode == 0, done.stdout + done.stderr
