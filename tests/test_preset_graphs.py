"""Graphs that benches keep are those of the networks as they are now."""

from dataclasses import replace
from pathlib import Path

import pytest

from bench.preset_graphs import stylizer_graph
from hsi.model import PRESETS


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """What was written instead of graphs, which take a minute."""
    found: list[bytes] = []

    def write(network: object) -> bytes:
        found.append(f"graph {len(found)}".encode())
        return found[-1]

    monkeypatch.setattr("hsi.export.onnx_writer.stylizer_onnx", write)
    return found


def test_a_graph_is_written_once(written: list[bytes], tmp_path: Path) -> None:
    graphs = [stylizer_graph("hsi-edge", "fp32", tmp_path) for _ in range(2)]

    assert graphs == [written[0], written[0]]


def test_a_network_that_changed_gets_a_graph_anew(
    written: list[bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stylizer_graph("hsi-edge", "fp32", tmp_path)
    monkeypatch.setitem(PRESETS, "hsi-edge", replace(PRESETS["hsi-edge"], modules=1))

    assert stylizer_graph("hsi-edge", "fp32", tmp_path) == written[1]
    assert len([*tmp_path.iterdir()]) == 1
