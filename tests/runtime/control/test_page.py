"""The page as a hand finds it, in a real browser."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, expect

from tests.runtime.control.browsing import DESKTOP, SLOW_MS, opened

CAMERA = "test://160x96@15"

# The mean colour of what the page shows of camera 1.
COLOUR = """() => {
    const canvas = document.querySelector("canvas");
    const {data} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    const sums = [0, 0, 0];
    data.forEach((value, place) => { if (place % 4 < 3) sums[place % 4] += value; });
    return sums.map((sum) => sum / (data.length / 4));
}"""


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A browser whose pages complain of nothing."""
    complaints: list[str] = []
    with browser.new_context(viewport=DESKTOP) as found:  # type: ignore[arg-type]
        found.set_default_timeout(SLOW_MS)

        def hear(said: ConsoleMessage) -> None:
            if said.type == "error":
                complaints.append(said.text)

        found.on("console", hear)
        found.on("weberror", lambda fault: complaints.append(str(fault.error)))
        yield found
    # A server that has gone, and one that refuses what it shall refuse.
    meant = "ERR_CONNECTION_REFUSED", "WebSocket connection", "status of 415"
    assert [text for text in complaints if not any(word in text for word in meant)] == []


@pytest.fixture(scope="module")
def page_line(start_line: Any) -> Iterator[Any]:
    with start_line(CAMERA, CAMERA) as line:
        yield line


def settings_of(line: Any) -> dict[str, Any]:
    found: dict[str, Any] = line.get("/api/v1/settings")
    return found


def style_of(line: Any) -> str:
    return str(settings_of(line)["styles"][0]["style"])


def shown(line: Any) -> int:
    return int(line.get("/api/v1/status")["cameras"][0]["shown"])


def test_a_click_on_a_style_shows_in_the_picture(context: BrowserContext, page_line: Any) -> None:
    page = opened(context, page_line)
    page.locator(".wipe").first.fill("0")  # the stylised picture alone
    page.get_by_label("Tableau no 2").check(force=True)
    page_line.wait_for(lambda: style_of(page_line) == "tableau-no-2")
    seen = shown(page_line)
    page_line.wait_for(lambda: shown(page_line) > seen + 3)
    page.wait_for_timeout(500)
    before = np.array(page.evaluate(COLOUR))

    page.get_by_label("The scream").check(force=True)

    page_line.wait_for(lambda: np.abs(np.array(page.evaluate(COLOUR)) - before).max() > 20)
    assert style_of(page_line) == "the-scream"


def test_a_blend_is_made_with_two_controls(context: BrowserContext, page_line: Any) -> None:
    page = opened(context, page_line)
    page.get_by_label("Great wave").check(force=True)

    page.get_by_label("Blend with").select_option("the-scream")
    page.get_by_label("Share of the second").fill("20")

    wanted = [{"style": "great-wave", "weight": 0.8}, {"style": "the-scream", "weight": 0.2}]
    page_line.wait_for(lambda: settings_of(page_line)["styles"] == wanted)
    page.get_by_label("Blend with").select_option("")
    page_line.wait_for(lambda: len(settings_of(page_line)["styles"]) == 1)


def test_a_slider_is_moved_by_keys_and_the_second_tab_follows(
    context: BrowserContext, page_line: Any
) -> None:
    page, other = opened(context, page_line), opened(context, page_line)

    page.get_by_label("Strength").focus()
    page.keyboard.press("Home")
    for _ in range(3):
        page.keyboard.press("ArrowRight")

    page_line.wait_for(lambda: settings_of(page_line)["strength"] == 0.03)
    expect(other.get_by_label("Strength")).to_have_value("3", timeout=SLOW_MS)
    page.keyboard.press("End")
    expect(other.get_by_label("Strength")).to_have_value("100", timeout=SLOW_MS)
    expect(page.locator("#headline")).to_contain_text("fp32")


def test_a_rectangle_drawn_with_the_mouse_is_protected(
    context: BrowserContext, page_line: Any
) -> None:
    page = opened(context, page_line)
    camera = page.locator(".camera").nth(1)
    camera.get_by_role("button", name="Protect a part").click()
    screen = camera.locator(".screen")
    screen.scroll_into_view_if_needed()
    box = screen.bounding_box()
    assert box is not None

    page.mouse.move(box["x"] + box["width"] * 0.25, box["y"] + box["height"] * 0.5)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.4, box["y"] + box["height"] * 0.6)
    page.mouse.move(box["x"] + box["width"] * 0.75, box["y"] + box["height"] * 0.9)
    page.mouse.up()

    expect(camera.get_by_text("Protected: 50 by 40 % at 25, 50 %")).to_be_visible(timeout=SLOW_MS)
    first, second = settings_of(page_line)["looks"]
    assert first["protect"] == []
    assert list(second["protect"][0].values()) == pytest.approx([25, 50, 50, 40], abs=1)
    camera.get_by_role("button", name="Remove protected part 1 of camera 2").click()
    page_line.wait_for(lambda: settings_of(page_line)["looks"][1]["protect"] == [])


def test_a_part_is_protected_without_a_mouse(context: BrowserContext, page_line: Any) -> None:
    page = opened(context, page_line)
    camera = page.locator(".camera").first
    camera.get_by_text("Protect by numbers").press("Enter")
    camera.get_by_label("Width %").fill("45")
    camera.get_by_label("Width %").press("Enter")

    wanted = [{"x": 10, "y": 10, "width": 45, "height": 20}]
    page_line.wait_for(lambda: settings_of(page_line)["looks"][0]["protect"] == wanted)
    camera.get_by_role("button", name="Remove").click()
    page_line.wait_for(lambda: settings_of(page_line)["looks"][0]["protect"] == [])


def test_an_uploaded_picture_becomes_the_style(
    context: BrowserContext, page_line: Any, tmp_path: Path, picture_file: bytes
) -> None:
    page = opened(context, page_line)
    path = tmp_path / "My picture.jpg"
    path.write_bytes(picture_file)

    page.locator("#upload").set_input_files(path)

    expect(page.get_by_label("My picture")).to_be_checked(timeout=SLOW_MS)
    page_line.wait_for(lambda: style_of(page_line).startswith("upload-"))
    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Remove it").click()
    expect(page.get_by_label("My picture")).to_have_count(0, timeout=SLOW_MS)


def test_a_script_that_is_called_a_picture_is_refused_on_the_page(
    context: BrowserContext, page_line: Any, tmp_path: Path
) -> None:
    page = opened(context, page_line)
    path = tmp_path / "<img src=x onerror=alert(1)>.png"
    path.write_bytes(b"<svg onload=alert(1)>")

    page.locator("#upload").set_input_files(path)

    expect(page.get_by_role("alert")).to_contain_text("expected JPEG, PNG or WebP", timeout=SLOW_MS)


def test_recording_and_snapshot_take_one_click(context: BrowserContext, page_line: Any) -> None:
    page = opened(context, page_line)
    with page.expect_download() as download:
        page.get_by_role("link", name="Snapshot").first.click()
    assert download.value.suggested_filename.endswith("-camera-1-stylised.jpeg")

    page.get_by_role("button", name="Record").first.click()
    stop = page.get_by_role("button", name="Stop recording")
    expect(stop).to_be_visible(timeout=SLOW_MS)
    page.wait_for_timeout(1000)
    stop.click()

    link = page.locator("#recordings a").first
    expect(link).to_be_visible(timeout=SLOW_MS)
    with page.expect_download() as download:
        link.click()
    assert download.value.path().stat().st_size > 500


def test_a_lost_server_is_told_and_found_again(context: BrowserContext, start_line: Any) -> None:
    with start_line(CAMERA) as line:
        page = opened(context, line)
        port = line.port
    expect(page.get_by_role("alert")).to_contain_text("No connection", timeout=SLOW_MS)
    expect(page.get_by_label("Strength")).to_be_disabled(timeout=SLOW_MS)

    with start_line(CAMERA, port=port) as line:
        expect(page.locator("#steering")).to_be_enabled(timeout=SLOW_MS)
        expect(page.get_by_role("alert")).to_be_hidden(timeout=SLOW_MS)
        expect(page.locator(".veil")).to_be_hidden(timeout=SLOW_MS)
        page.get_by_label("Stability").fill("80")
        line.wait_for(lambda: settings_of(line)["stability"] == 0.8)


def test_no_screen_is_too_narrow(context: BrowserContext, page_line: Any) -> None:
    page = opened(context, page_line)
    over = {}

    for width in (320, 390, 768, 1024, 1920):
        page.set_viewport_size({"width": width, "height": 800})
        over[width] = page.evaluate("document.documentElement.scrollWidth - innerWidth")

    assert max(over.values()) <= 0, over


def test_everything_that_can_be_used_has_a_name(context: BrowserContext, page_line: Any) -> None:
    page = opened(context, page_line)
    expect(page.get_by_label("Great wave")).to_be_attached(timeout=SLOW_MS)  # styles come later

    tree = page.locator("body").aria_snapshot()

    for line in tree.splitlines():
        role = line.strip().removeprefix("- ").split(" ")[0].rstrip(":")
        if role in ("button", "slider", "radio", "checkbox", "combobox", "spinbutton", "link"):
            assert '"' in line, f"no name: {line.strip()}"
    for name in ('slider "Strength"', 'radio "Great wave"', 'img "Live picture of camera 2"'):
        assert name in tree
