"""There is no screen here: OpenCV's windows are replaced by a scripted one."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import cv2
import pytest

from hsi.runtime.display_output import DisplayOutput
from hsi.runtime.frame import Frame, Image
from hsi.runtime.output import NoWindow, ViewerClosed


@pytest.fixture
def window(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    state: dict[str, Any] = {"key": -1, "visible": 1.0, "shown": [], "sizes": []}

    def show(name: str, image: Image) -> None:
        state["shown"].append(image.shape)

    def resize(name: str, width: int, height: int) -> None:
        state["sizes"].append((width, height))

    def destroy(name: str) -> None:
        state["visible"] = 0.0

    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr(cv2, "getBuildInformation", lambda: "  GUI:   QT5\n")
    monkeypatch.setattr(cv2, "namedWindow", lambda name, flags: None)
    monkeypatch.setattr(cv2, "imshow", show)
    monkeypatch.setattr(cv2, "resizeWindow", resize)
    monkeypatch.setattr(cv2, "pollKey", lambda: state["key"])
    monkeypatch.setattr(cv2, "getWindowProperty", lambda name, which: state["visible"])
    monkeypatch.setattr(cv2, "destroyWindow", destroy)
    return state


def test_the_window_takes_the_size_of_the_picture(
    window: dict[str, Any], make_frame: Callable[..., Frame]
) -> None:
    with DisplayOutput("display://") as output:
        for _ in range(2):
            output.write(make_frame(), make_frame().image)
    assert window["shown"] == [(64, 96, 3)] * 2
    assert window["sizes"] == [(96, 64)]
    assert window["visible"] == 0.0


@pytest.mark.parametrize(("name", "value"), [("key", ord("q")), ("key", 27), ("visible", 0.0)])
def test_the_viewer_can_leave(
    window: dict[str, Any], make_frame: Callable[..., Frame], name: str, value: float
) -> None:
    with DisplayOutput("display://") as output:
        window[name] = value
        with pytest.raises(ViewerClosed, match="display://"):
            output.write(make_frame(), make_frame().image)


def _refuse(name: str, flags: int) -> None:
    raise cv2.error("no GTK")


@pytest.mark.usefixtures("window")
def test_a_window_that_opencv_cannot_open_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cv2, "namedWindow", _refuse)
    with pytest.raises(NoWindow, match=r"display://: expected a window, but OpenCV cannot open"):
        DisplayOutput("display://")


def test_no_library_with_windows_is_told_with_a_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr(cv2, "getBuildInformation", lambda: "  GUI:                NONE\n")
    monkeypatch.setitem(sys.modules, "tkinter", None)
    with pytest.raises(NoWindow, match=r"opencv-python-headless.*python3-tk.*-o out\.mp4$"):
        DisplayOutput("display://")


@pytest.mark.usefixtures("window")
def test_no_screen_is_told_with_a_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    with pytest.raises(NoWindow, match=r"there is no screen .*-o out\.mp4"):
        DisplayOutput("display://")
