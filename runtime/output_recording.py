"""A recording of a camera's pictures that begins and ends while it plays."""

from __future__ import annotations

from pathlib import Path

from hsi.runtime.errors import OptionError, OutputError
from hsi.runtime.lane import Lane
from hsi.runtime.output import VIDEO_SUFFIXES
from hsi.runtime.video_output import VideoOutput

_CLOSING_S = 5.0  # what waits is written within


class OutputRecording:
    """Writes what the outputs of a camera get to a video, too.

    Args:
        lane: Of the camera.
        path: Ends as a video's name does, and is not there yet.

    Raises:
        OptionError: The name is no video's, or is taken.
        OutputError: No file can be created there.
    """

    def __init__(self, lane: Lane, path: Path) -> None:
        if path.suffix.lower() not in VIDEO_SUFFIXES:
            known = ", ".join(VIDEO_SUFFIXES)
            raise OptionError(f"{path}: expected a video's name ({known}), found another")
        if path.exists():
            raise OptionError(f"{path}: is there already: choose another name")
        self._path = path
        self._lane = lane
        self._output = VideoOutput(path, live=True)
        self._worker = lane.add_output(self._output)

    @property
    def name(self) -> str:
        """The file."""
        return str(self._path)

    def finish(self) -> Path:
        """Write what waits and close the file.

        Raises:
            OutputError: It could not be written to the end.
        """
        worker = self._worker
        worker.finish()
        if worker.thread is not None:
            worker.thread.join(_CLOSING_S)
        self._lane.remove_output(worker)
        self._output.__exit__(None, None, None)
        if isinstance(worker.error, OutputError):
            raise worker.error
        return self._path
