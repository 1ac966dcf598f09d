from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import hsi.runtime
from hsi.runtime.bundle import Bundle
from hsi.runtime.errors import BundleError, OptionError, QualityError
from hsi.runtime.frame import Image
from hsi.runtime.styles import DEFAULT_STYLE
from tests.runtime.fake_engine import FakeEngine

Repack = Callable[..., Path]


def test_without_a_style_the_shipped_default_is_used(shipped: Path, frame: Image) -> None:
    with hsi.runtime.load(shipped, threads=1, verify=False) as fresh:
        assert fresh.style is None
        made = fresh(frame)
        assert fresh.style is not None
        assert fresh.style.name == DEFAULT_STYLE
        fresh.set_style(DEFAULT_STYLE)
        assert np.array_equal(made, fresh(frame))


def test_a_load_that_fails_gives_the_engine_back(
    small_bundle: Path, fake_engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hsi.runtime.loader.open_engine", lambda *words: fake_engine)
    monkeypatch.setattr(fake_engine, "encode_style", lambda style: np.zeros((1, 6), np.float32))
    with pytest.raises(QualityError, match="self-test failed on fake"):
        hsi.runtime.load(small_bundle)
    assert fake_engine.closed


def test_a_part_that_nobody_needs_yet_is_checked_all_the_same(
    shipped: Path, tmp_path: Path, repack: Repack
) -> None:
    data = bytearray(Bundle(shipped).read("style_encoder.onnx"))
    data[-1] ^= 1
    path = repack(shipped, tmp_path / "bad.hsi", parts={"style_encoder.onnx": bytes(data)})
    with pytest.raises(BundleError, match=r"style_encoder\.onnx is not the one this bundle was"):
        hsi.runtime.load(path, threads=1)


def test_load_hands_the_choice_of_an_engine_on(shipped: Path) -> None:
    with pytest.raises(OptionError, match="engine must be one of"):
        hsi.runtime.load(shipped, engine="warp")
    with pytest.raises(OptionError, match="threads must be at least 1"):
        hsi.runtime.load(shipped, threads=0)
