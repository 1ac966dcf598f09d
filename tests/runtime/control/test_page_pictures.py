"""How the page looks.

With `HSI_SCREENSHOTS=docs` in the environment the pictures of the page in `docs/` are made anew.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser

from hsi.runtime.run_options import Policy
from tests.runtime.control.browsing import DESKTOP, PHONE, opened


def film(make_video: Callable[..., Path], photo: Any, folder: Path, *, count: int) -> Path:
    """A slow look around a photograph."""

    def image(number: int, size: tuple[int, int]) -> Any:
        x = round(64 + 64 * np.sin(number / 8))
        y = round(76 + 76 * np.sin(number / 12))
        return np.ascontiguousarray(photo[y : y + size[1], x : x + size[0]])

    path = folder / "photograph.mkv"
    return make_video(path, count=count, size=(640, 360), fps=6, image=image)


def test_the_page_is_drawn_for_desk_and_phone_by_day_and_night(
    browser: Browser,
    start_line: Any,
    make_video: Callable[..., Path],
    photo: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told = os.environ.get("HSI_SCREENSHOTS")
    target = Path(told).absolute() if told else tmp_path
    clip = film(make_video, photo, tmp_path, count=60 if told else 12)
    monkeypatch.chdir(tmp_path)
    grounds = {}
    with start_line(*[clip.name] * 30, policy=Policy.LATEST) as line:
        for where, size in (("desktop", DESKTOP), ("phone", PHONE)):
            for scheme in ("light", "dark"):
                name = f"control_{where}_{scheme}"
                with browser.new_context(viewport=size, color_scheme=scheme) as context:  # type: ignore[arg-type]
                    page = opened(context, line)
                    page.wait_for_timeout(15_000 if told else 200)  # charts shall show something
                    page.screenshot(
                        path=target / f"{name}.jpg", quality=80, full_page=where == "desktop"
                    )
                    ground = "getComputedStyle(document.body).backgroundColor"
                    grounds[name] = page.evaluate(ground)

    assert len(set(grounds.values())) == 2
    assert all((target / f"{name}.jpg").stat().st_size < 300_000 for name in grounds)
