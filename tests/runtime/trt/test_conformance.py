"""Every name of TensorRT and CUDA that the code touches is in the real bindings of each version."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.runtime.trt.surface import CUDA, SURFACES, TENSORRT, fits, surface_of

CODE = Path(__file__).resolve().parents[3] / "runtime" / "trt"
COMPATIBILITY = "bindings.py"  # alone may touch what only some versions have
MODULES = {"trt": TENSORRT, "cudart": CUDA}


def chain_of(node: ast.expr) -> list[str]:
    """`["trt", "BuilderFlag"]` of `trt.BuilderFlag` and of `self._trt.BuilderFlag`."""
    if isinstance(node, ast.Name):
        return [node.id]
    if not isinstance(node, ast.Attribute):
        return [""]
    before = chain_of(node.value)
    return [node.attr.lstrip("_")] if before == ["self"] else [*before, node.attr]


def touched(path: Path) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The module and the names below it, of each expression that goes into one."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Attribute):
            root, *names = chain_of(node)
            if root in MODULES and names and names[0] != "__version__":
                yield root, tuple(names)


def is_there(surface: dict[str, Any], names: tuple[str, ...]) -> bool:
    first, *more = names
    if first in surface["enums"]:
        return all(name in surface["enums"][first] for name in more)
    if first in surface["classes"]:
        told = surface["classes"][first]
        if more and more[0] in told["enums"]:
            return all(name in told["enums"][more[0]] for name in more[1:])
        return set(more) <= {*told["methods"], *told["attributes"], "__init__"}
    return not more and (first in surface["functions"] or first in surface["values"])


FOUND = sorted({(path.name, *one) for path in CODE.glob("*.py") for one in touched(path)})


def test_the_walk_finds_what_the_code_touches() -> None:
    names = {(root, ".".join(names)) for _, root, names in FOUND}

    assert ("trt", "NetworkDefinitionCreationFlag.STRONGLY_TYPED") in names
    assert ("cudart", "cudaMemcpyKind.cudaMemcpyHostToDevice") in names
    assert len(names) > 30


@pytest.mark.parametrize("version", [*TENSORRT, *CUDA])
def test_every_name_is_in_the_real_bindings(version: str) -> None:
    surface = surface_of(version)
    roots = [root for root, versions in MODULES.items() if version in versions]

    missing = {
        (path, ".".join(names))
        for path, root, names in FOUND
        if root in roots and path != COMPATIBILITY and not is_there(surface, names)
    }

    assert missing == set()


def test_what_only_some_versions_have_is_known_to_some() -> None:
    for path, root, names in FOUND:
        versions = [surface_of(version) for version in MODULES[root]]
        assert any(is_there(surface, names) for surface in versions), (path, names)


def test_a_name_that_one_major_lacks_would_be_found() -> None:
    names = ("BuilderFlag", "FP16")

    assert is_there(surface_of("tensorrt-10.16.1"), names)
    assert not is_there(surface_of("tensorrt-11.4.0"), names)


def test_the_numbers_of_flags_moved_between_majors() -> None:
    flags = [surface_of(one)["enums"]["NetworkDefinitionCreationFlag"] for one in TENSORRT]

    assert [one["STRONGLY_TYPED"] for one in flags] == [1, 1, 0]


def test_the_code_writes_no_number_of_an_enumeration() -> None:
    for path in CODE.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.BinOp) and isinstance(node.op, ast.LShift):
                text = ast.unparse(node)
                assert "trt." in text or text in ("options.workspace_mib << 20",), (path, text)


@pytest.mark.parametrize(
    ("arguments", "named", "good"),
    [
        ((1, 2), {}, True),
        ((1,), {"b": 2}, True),
        ((1,), {}, False),
        ((1, 2, 3, 4), {}, False),
        ((1, 2), {"x": 3}, False),
        ((1, 2), {"c": 3}, True),
    ],
)
def test_a_call_fits_its_parameters_or_does_not(
    arguments: tuple[int, ...], named: dict[str, int], good: bool
) -> None:
    assert fits([["a", "b", "c="]], arguments, named) is good


@pytest.mark.parametrize("version", [*TENSORRT, *CUDA])
def test_the_surfaces_are_those_of_the_wheels(version: str) -> None:
    command = [sys.executable, str(SURFACES.parent / "dump_surface.py"), "--check", version]

    done = subprocess.run(command, capture_output=True, text=True, timeout=300)

    if done.returncode == 3:
        pytest.skip(f"pip has no wheels of {version} for this Python here: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
