"""Graphs that OpenVINO compiled and one program left to the next; OpenVINO is the real one."""

from __future__ import annotations

import logging
import os
import stat
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hsi.runtime.bundle import Bundle
from hsi.runtime.compiled_graphs import CompiledGraphs, key_of
from hsi.runtime.engine import open_engine

openvino = pytest.importorskip("openvino")
Opened = Callable[..., tuple[float, bool]]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where graphs of the test are kept."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "hsi-edge" / "openvino"


@pytest.fixture
def opened() -> Opened:
    """Open a graph that adds a number; return what it makes of 1, and whether it was compiled."""
    core = openvino.Core()

    def run(
        key: str = "key", *, adds: float = 2, into: CompiledGraphs | None = None
    ) -> tuple[float, bool]:
        compilations: list[Any] = []

        def compile_graph() -> Any:
            number = openvino.opset13.parameter([1], np.float32)
            model = openvino.Model([openvino.opset13.add(number, np.float32(adds))], [number])
            compilations.append(core.compile_model(model, "CPU"))
            return compilations[-1]

        graph = (into or CompiledGraphs()).opened(key, core, {}, compile_graph)
        (made,) = graph.create_infer_request().infer([np.ones(1, np.float32)]).values()
        return float(made[0]), bool(compilations)

    return run


def test_a_graph_is_compiled_once(opened: Opened, folder: Path) -> None:
    assert opened(adds=2) == (3, True)
    assert opened(adds=7) == (3, False)  # what the key names is there
    assert opened("other", adds=7) == (8, True)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_an_engine_opened_again_compiles_nothing_and_gives_the_same_picture(
    shipped: Path, photo: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = np.ascontiguousarray(photo[None, 100:164, 200:264])

    first = _pictures(shipped, frame)
    monkeypatch.setattr(openvino.Core, "compile_model", None)

    for one, two in zip(first, _pictures(shipped, frame), strict=True):
        np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("damage", [lambda data: data[: len(data) // 2], lambda data: b""])
def test_a_damaged_graph_is_compiled_again_and_mended(
    opened: Opened, folder: Path, damage: Callable[[bytes], bytes]
) -> None:
    opened()
    (path,) = folder.iterdir()
    path.write_bytes(damage(path.read_bytes()))

    assert opened() == (3, True)
    assert opened() == (3, False)


def test_a_graph_that_openvino_does_not_take_is_compiled_again(
    opened: Opened, folder: Path
) -> None:
    class Other:
        def export_model(self) -> Any:
            return type("Stream", (), {"getvalue": lambda self: b"of another version"})()

    CompiledGraphs().opened("key", openvino.Core(), {}, Other)

    assert opened() == (3, True)
    assert opened() == (3, False)


@pytest.mark.parametrize("mode", [0o770, 0o707])
def test_a_folder_that_others_may_write_to_is_neither_read_nor_written(
    opened: Opened, folder: Path, caplog: pytest.LogCaptureFixture, mode: int
) -> None:
    opened()
    folder.chmod(mode)

    assert opened() == (3, True)
    assert opened("other") == (3, True)
    assert len([*folder.iterdir()]) == 1
    assert f"{folder}: others may write to it, so it is not used: run chmod 700" in caplog.text


def test_a_folder_that_cannot_be_made_is_no_matter(
    opened: Opened, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    folder.parent.write_text("a file where the folder should be")

    assert opened() == (3, True)
    assert opened() == (3, True)
    assert caplog.text == ""


def test_what_was_not_used_for_longest_makes_room(opened: Opened, folder: Path) -> None:
    for number, key in enumerate("abc"):
        opened(key)
        os.utime(folder / f"{key}.graph", (number, number))
    size = (folder / "a.graph").stat().st_size
    room = CompiledGraphs(most_bytes=3 * size + size // 2)

    assert opened("a", into=room) == (3, False)
    assert opened("d", into=room) == (3, True)

    assert sorted(path.name for path in folder.iterdir()) == ["a.graph", "c.graph", "d.graph"]


def test_programs_that_start_at_the_same_time_all_get_their_graph(opened: Opened) -> None:
    made: list[float] = []
    room = CompiledGraphs(most_bytes=0)  # each deletes what the others left
    threads = [threading.Thread(target=lambda: made.append(opened(into=room)[0])) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert made == [3] * 8


def test_a_key_is_of_all_that_a_graph_depends_on() -> None:
    told: list[tuple[Any, ...]] = [
        ("digest", (("frame", (1, 64, 64, 3)),), "2026.4", {"name": "EPYC"}, {"threads": 1}),
        ("other", (("frame", (1, 64, 64, 3)),), "2026.4", {"name": "EPYC"}, {"threads": 1}),
        ("digest", (("frame", (1, 64, 65, 3)),), "2026.4", {"name": "EPYC"}, {"threads": 1}),
        ("digest", (("frame", (1, 64, 64, 3)),), "2026.5", {"name": "EPYC"}, {"threads": 1}),
        ("digest", (("frame", (1, 64, 64, 3)),), "2026.4", {"name": "Xeon"}, {"threads": 1}),
        ("digest", (("frame", (1, 64, 64, 3)),), "2026.4", {"name": "EPYC"}, {"threads": 2}),
    ]
    assert len({key_of(*one) for one in told}) == len(told)


def _pictures(path: Path, frame: Any) -> list[Any]:
    bundle = Bundle(path)
    engine = open_engine(bundle, "openvino", threads=1)
    code = np.linspace(-1, 1, bundle.manifest.style_code_size, dtype=np.float32)[None]
    nothing = np.zeros((1, bundle.manifest.statistics_size), np.float32)
    zero, one = np.zeros((1, 1), np.float32), np.ones((1, 1), np.float32)
    out = np.empty_like(frame)
    used = engine.stylize(frame, code, nothing, zero, one, out)
    engine.close()
    return [out, used]
