from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hsi.runtime.bundle import Bundle
from hsi.runtime.errors import BundleError
from hsi.runtime.manifest import MAX_BYTES, MAX_PARTS, Manifest, Part

Values = dict[str, Any]
Place = tuple[str | int, ...]


def _parsed(values: Any) -> Manifest:
    return Manifest.from_json(json.dumps(values))


def _at(values: Any, place: Place) -> Any:
    for step in place:
        values = values[step]
    return values


def _with(values: Values, place: Place, value: Any) -> Values:
    changed = copy.deepcopy(values)
    _at(changed, place[:-1])[place[-1]] = value
    return changed


def _without(values: Values, place: Place) -> Values:
    changed = copy.deepcopy(values)
    del _at(changed, place[:-1])[place[-1]]
    return changed


def _places(values: Any, before: Place = ()) -> Iterator[Place]:
    inside = values.items() if isinstance(values, dict) else enumerate(values)
    for step, value in inside:
        yield (*before, step)
        if isinstance(value, (dict, list)):
            yield from _places(value, (*before, step))


def test_a_manifest_survives_the_round_trip_through_json(
    shipped: Path, small_values: Values
) -> None:
    for manifest in (Bundle(shipped).manifest, _parsed(small_values)):
        assert Manifest.from_json(manifest.to_json()) == manifest


def test_json_names_the_format_and_its_version(small_values: Values) -> None:
    stored = json.loads(_parsed(small_values).to_json())
    assert stored == small_values
    assert (stored["format"], stored["version"]) == ("hsi bundle", 1)


def test_the_statistics_add_up(small_values: Values) -> None:
    assert _parsed(small_values).statistics_size == 7


def test_a_part_is_found_by_name(small_values: Values) -> None:
    assert _parsed(small_values).part("stylizer.onnx").bytes == 56


@pytest.mark.parametrize("version", [2, 0, "1", None, True, 1.5])
def test_another_version_asks_for_an_update(small_values: Values, version: Any) -> None:
    with pytest.raises(BundleError, match=r"version .* found, expected 1: update hsi-edge"):
        _parsed({**small_values, "version": version})


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("", "expected JSON, found damage"),
        ("{", "expected JSON, found damage"),
        ("[" * 100_000, "found damage: nesting without end"),
        (b"\xff\xfe\x00", "expected JSON, found damage"),
        ("[]", "expected format 'hsi bundle', found another"),
        ('"hsi bundle"', "expected format 'hsi bundle', found another"),
        ('{"format": "other"}', "expected format 'hsi bundle', found another"),
    ],
)
def test_text_that_is_no_manifest(text: str | bytes, match: str) -> None:
    with pytest.raises(BundleError, match=match):
        Manifest.from_json(text)


@pytest.mark.parametrize(
    "name",
    [
        "../evil",
        "a/../../evil",
        "/etc/passwd",
        "C:/evil",
        "a\\b",
        "..",
        ".hidden",
        "a//b",
        "",
        "a\n",
    ],
)
def test_a_part_that_leaves_the_bundle(name: str) -> None:
    with pytest.raises(BundleError, match="leaves the bundle: expected a plain relative name"):
        Part(name=name, bytes=1, sha256="0" * 64)


@pytest.mark.parametrize("name", ["stylizer.onnx", "golden/frame.png", "a/b/c/d-1_2.bin", "a..b"])
def test_a_plain_part_name_is_taken(name: str) -> None:
    assert Part(name=name, bytes=0, sha256="0" * 64).name == name


@pytest.mark.parametrize(("size", "sha"), [(-1, "0" * 64), (1, "0" * 63), (1, "G" * 64)])
def test_a_part_needs_a_size_and_a_hash(size: int, sha: str) -> None:
    with pytest.raises(BundleError, match=r"part a\.bin: expected a size and a SHA-256"):
        Part(name="a.bin", bytes=size, sha256=sha)


@pytest.mark.parametrize(
    ("place", "value", "match"),
    [
        (("parts", 0, "bytes"), MAX_BYTES, f"expected at most {MAX_PARTS} parts and {MAX_BYTES} b"),
        (("parts", 0, "name"), "stylizer.onnx", "expected each part once, found one listed twice"),
        (("golden", "style"), "golden/gone.png", "expected part 'golden/gone.png' to be listed"),
        (("statistics", 1, "start"), 3, "expected statistics 0.variance from 2 on, found 2 from 3"),
        (("statistics", 3, "size"), 0, "expected statistics 0.relation from 6 on, found 0 from 6"),
        (("statistics", 3, "size"), 2, r"expected statistics of shape \('N', 8\)"),
        (("style_code_size",), 5, r"expected style_code of shape \('N', 5\), found \('N', 6\)"),
        (("style_short_side",), 8, "expected a style code and a style size"),
        (("stylizer", "inputs", 0, "name"), "x", "stylizer.onnx to have inputs and outputs"),
        (("frame", "min_side"), 9000, "expected sizes above 0, the least first"),
        (("frame", "stride"), 0, "expected sizes above 0, the least first"),
        (("golden", "max_difference"), 256, "expected tolerances of 0 to 255 and 0 to 1"),
        (("golden", "max_share_over_one"), float("nan"), "expected tolerances of 0 to 255 and"),
        (("parts", 1), 7, r"manifest.parts\[1\]: expected an object, found 7"),
        (("parts",), {}, "manifest.parts: expected a list, found {}"),
        (("generator",), [], "manifest.generator: expected an object, found"),
        (("generator", "torch"), 2, "manifest.generator.torch: expected str, found 2"),
        (("frame", "stride"), True, "manifest.frame.stride: expected int, found True"),
        (("frame", "stride"), 8.0, "manifest.frame.stride: expected int, found 8.0"),
        (("stylizer", "opset"), "2" * 99, "manifest.stylizer.opset: expected int, found '222"),
        (("name",), "a\x1b[2Jb", r"manifest.name: expected str, found 'a\\x1b\[2Jb'"),
        (("name",), "a\nb", r"manifest.name: expected str, found 'a\\nb'"),
        (("speed",), 9, "manifest: expected no field 'speed', found one: update hsi-edge"),
    ],
)
def test_a_broken_rule_is_named(small_values: Values, place: Place, value: Any, match: str) -> None:
    with pytest.raises(BundleError, match=match) as caught:
        _parsed(_with(small_values, place, value))
    assert "\n" not in str(caught.value)


def test_too_many_parts(small_values: Values) -> None:
    one = small_values["parts"][0]
    small_values["parts"] += [{**one, "name": f"part{number}"} for number in range(MAX_PARTS)]
    with pytest.raises(BundleError, match=r"at most 64 parts and .* bytes, found 69"):
        _parsed(small_values)


def test_optional_fields_may_be_missing(small_values: Values) -> None:
    for name in ("training", "generator", "created"):
        del small_values[name]
    assert _parsed(small_values).training == {}


def test_any_one_damage_is_an_error_of_ours_or_none(small_values: Values) -> None:
    refused = 0
    others: tuple[Any, ...] = (None, [], {}, "x", -1, 10**400, 0.5, True)
    for place in _places(small_values):
        mutants = [_with(small_values, place, other) for other in others]
        for mutant in (*mutants, _without(small_values, place)):
            try:
                _parsed(mutant)
            except BundleError as error:
                assert "\n" not in str(error)
                refused += 1
    assert refused > 500
