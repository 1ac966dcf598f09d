"""What Tk shows, on a screen that only Xvfb sees and that is read back pixel by pixel.

Tk keeps its connection to a screen until the process ends, and the process ends with the screen:
so windows are opened in processes of their own.
"""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
import sys
import time
import types
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
import pytest

from hsi.runtime.frame import Image
from hsi.runtime.output import NoWindow
from hsi.runtime.tk_window import TkWindow, fitted

StartFake = Callable[..., "subprocess.Popen[str]"]
Screenshot = Callable[[], Image]
Ask = Callable[[str], str]

SCREEN = (400, 300)
ORANGE = (10, 120, 240)

# Opens a window and does with it what it is told, line by line.
WINDOW = """
import gc, sys, weakref
import numpy as np
from hsi.runtime.tk_window import TkWindow

gc.disable()
window = TkWindow("display://")
for line in sys.stdin:
    word, *values = line.split()
    if word == "show":
        width, height = map(int, values)
        print(window.show(np.full((height, width, 3), (10, 120, 240), np.uint8)), flush=True)
    elif word == "press":
        window._root.focus_force()
        window._root.update()
        print(window._root.event_generate(*values), flush=True)
    elif word == "button":  # what Tk does when the one in the title bar is pressed
        print(window._root.tk.eval(window._root.protocol("WM_DELETE_WINDOW")), flush=True)
    elif word == "close":
        left = [weakref.ref(window._root), weakref.ref(window._photo)]
        window.close()
        window.close()
        print(*(reference() for reference in left), flush=True)
"""

# An OpenCV with windows would be asked before Tk.
HEADLESS = "import cv2\ncv2.getBuildInformation = lambda: '  GUI:   NONE'\n"


@pytest.fixture
def screen(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Screenshot]:
    """Start a screen of 400x300 pixels; returns what takes a picture of it."""
    pytest.importorskip("tkinter", reason="this Python has no tkinter", exc_type=ImportError)
    if shutil.which("Xvfb") is None:
        pytest.skip("needs Xvfb (Debian: apt install xvfb)")
    folder = tmp_path_factory.mktemp("screen")
    number, told = os.pipe()
    size = f"{SCREEN[0]}x{SCREEN[1]}x24"
    command = ["Xvfb", "-displayfd", str(told), "-fbdir", str(folder), "-screen", "0", size]
    with subprocess.Popen(command, pass_fds=[told], stderr=subprocess.DEVNULL) as server:
        os.close(told)
        try:
            with os.fdopen(number) as line:
                monkeypatch.setenv("DISPLAY", f":{line.readline().strip()}")
            monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
            yield lambda: _picture_from_dump((folder / "Xvfb_screen0").read_bytes())
        finally:
            server.terminate()


@pytest.fixture
def ask(screen: Screenshot) -> Iterator[Ask]:
    """Open a window on the screen; returns what tells it a line and gives its answer."""
    del screen  # only has to be there
    with subprocess.Popen(
        [sys.executable, "-c", WINDOW], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin and process.stdout
        words, answers = process.stdin, process.stdout

        def tell(line: str) -> str:
            print(line, file=words, flush=True)
            return answers.readline().strip()

        yield tell


def _picture_from_dump(dump: bytes) -> Image:
    """Return the `(H, W, 3)` BGR picture of an X window dump with 32 bits a pixel."""
    header = struct.unpack(">25I", dump[:100])
    start, width, height, line, colors = header[0], header[4], header[5], header[12], header[19]
    rows = np.frombuffer(dump, np.uint8, height * line, offset=start + 12 * colors)
    return rows.reshape(height, line // 4, 4)[:, :width, :3]


def _until(shown: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 20
    while not (found := shown()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return found


def _shows(screen: Screenshot, width: int, height: int) -> bool:
    """Tell whether the orange pixels on the screen are one rectangle of this size."""
    rows, columns = np.nonzero((screen() == ORANGE).all(axis=2))
    if not width * height == len(rows):
        return False
    return not len(rows) or (int(np.ptp(columns)) + 1, int(np.ptp(rows)) + 1) == (width, height)


def test_every_pixel_is_on_the_screen_until_the_window_closes(screen: Screenshot, ask: Ask) -> None:
    assert _shows(screen, 0, 0)
    assert ask("show 96 64") == "True"
    assert _until(partial(_shows, screen, 96, 64))
    ask("close")
    assert _until(partial(_shows, screen, 0, 0))


def test_the_window_follows_the_size_of_the_picture(screen: Screenshot, ask: Ask) -> None:
    for width, height in ((96, 64), (200, 100), (33, 41)):
        ask(f"show {width} {height}")
        assert _until(partial(_shows, screen, width, height))


def test_a_picture_larger_than_the_screen_is_shrunk_to_it(screen: Screenshot, ask: Ask) -> None:
    ask("show 1600 800")
    assert _until(partial(_shows, screen, 360, 180))


@pytest.mark.parametrize("line", ["press <q>", "press <Escape>", "button"])
def test_a_key_or_the_button_ends_the_show(ask: Ask, line: str) -> None:
    assert ask("show 96 64") == "True"
    ask(line)
    assert [ask("show 96 64"), ask("show 96 64")] == ["False", "False"]


def test_other_keys_do_not(ask: Ask) -> None:
    ask("press <w>")
    assert ask("show 96 64") == "True"


def test_a_closed_window_leaves_nothing_for_another_thread_to_collect(ask: Ask) -> None:
    ask("show 96 64")
    assert ask("close") == "None None"


def test_the_command_alone_opens_a_window(screen: Screenshot, start_fake: StartFake) -> None:
    process = start_fake("test://320x240@20", before=HEADLESS)
    assert _until(lambda: len(np.unique(screen().reshape(-1, 3), axis=0)) > 50), "nothing shown"
    process.terminate()
    _, err = process.communicate(timeout=20)
    assert (process.returncode, "output display://" in err) == (143, True), err


def test_a_screen_that_is_gone_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    class TclError(Exception):
        pass

    def refuse() -> None:
        raise TclError('couldn\'t connect to display ":5"')

    monkeypatch.setitem(sys.modules, "tkinter", types.SimpleNamespace(Tk=refuse, TclError=TclError))
    with pytest.raises(NoWindow, match=r"but Tk cannot open one \(couldn't connect .*-o out\.mp4$"):
        TkWindow("display://")


@pytest.mark.parametrize(
    ("size", "shown"),
    [((100, 50), (100, 50)), ((200, 50), (100, 25)), ((100, 500), (10, 50)), ((9000, 8), (100, 1))],
)
def test_pictures_are_shrunk_but_never_enlarged(
    size: tuple[int, int], shown: tuple[int, int]
) -> None:
    image = fitted(np.full((size[1], size[0], 3), ORANGE, np.uint8), (100, 50))
    assert image.shape[1::-1] == shown
    assert (image == ORANGE).all()
