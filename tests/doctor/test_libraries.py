from __future__ import annotations

from collections.abc import Callable

from hsi.doctor import Level
from hsi.doctor.libraries import libraries


def test_a_library_that_does_not_load_is_named_with_its_reason(
    plant: Callable[[str, str], None],
) -> None:
    plant("cv2", "raise ImportError('libGL.so.1: cannot open shared object file')")

    found = {one.subject: one for one in libraries()}

    assert found["numpy"].level is Level.OK
    assert found["opencv-python-headless"].level is Level.FAULT
    assert "ImportError: libGL.so.1: cannot open" in found["opencv-python-headless"].text
    assert "pip uninstall opencv-python " in found["opencv-python-headless"].mend
    assert found["hsi-edge"].level is Level.FAULT  # needs it


def test_a_library_that_ends_the_process_is_the_last_one_tried(
    plant: Callable[[str, str], None],
) -> None:
    plant("numpy", "import sys\nsys.exit('wrong ABI')")

    found = [*libraries()]

    assert [one.subject for one in found] == ["python", "numpy"]
    assert found[-1].text == "does not load: wrong ABI"
