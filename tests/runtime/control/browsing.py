"""The control page in a real browser."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

SLOW_MS = 60_000  # a busy machine
PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 900}


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start a Chromium without a screen."""
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        message = "there is no Chromium: apt-get install chromium"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    with sync_playwright() as playwright:
        # Chromium keeps no sandbox for root.
        words = ["--no-sandbox"] if os.geteuid() == 0 else []
        with playwright.chromium.launch(executable_path=program, args=words) as found:
            yield found


def opened(context: BrowserContext, line: Any) -> Page:
    """Return the page of a line once it can be used."""
    page = context.new_page()
    page.goto(line.url)
    expect(page.locator("#steering")).to_be_enabled(timeout=SLOW_MS)
    expect(page.locator(".veil").first).to_be_hidden(timeout=SLOW_MS)
    return page
