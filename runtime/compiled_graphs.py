"""What OpenVINO compiled, on disk: the next program that opens the bundle need not."""

import hashlib
import logging
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from hsi.runtime.private_folder import is_private, write_whole
from hsi.runtime.style_code import cache_home

log = logging.getLogger(__name__)

MOST_BYTES = 256 * 2**20  # of all files; a graph of `hsi-edge` takes 1.5 MiB, of its encoder 13
DIGEST_BYTES = 32  # of SHA-256, before the graph
SUFFIX = ".graph"


class CompiledGraphs:
    """Graphs compiled for the CPU. One that cannot be kept is compiled by each program.

    The folder is the user's own and closed to others, and each file is held to its SHA-256 before
    OpenVINO reads it: it reads them without much care.

    Args:
        folder: Where; None for ``$XDG_CACHE_HOME/hsi-edge/openvino``.
        most_bytes: Of all files. Those that were not used for longest go first.
    """

    def __init__(self, folder: Path | None = None, most_bytes: int = MOST_BYTES) -> None:
        self.folder = folder or cache_home() / "hsi-edge" / "openvino"
        self._most_bytes = most_bytes

    def opened(
        self, key: str, core: Any, settings: Mapping[str, Any], compile_graph: Callable[[], Any]
    ) -> Any:
        """A compiled graph, from disk where it is there, and on disk from now on.

        Args:
            key: Of :func:`key_of`.
            core: OpenVINO's.
            settings: That the graph is compiled with.
            compile_graph: Makes what is not there.
        """
        found = self._read(key)
        if found is not None:
            try:
                return core.import_model(found, "CPU", dict(settings))
            except RuntimeError as error:
                log.debug("%s: OpenVINO does not take it: %s", self._path(key), error)
        compiled = compile_graph()
        self._keep(key, compiled.export_model().getvalue())
        return compiled

    def _read(self, key: str) -> bytes | None:
        path = self._path(key)
        if not is_private(self.folder):
            told = "%s: others may write to it, so it is not used: run chmod 700 on it"
            log.warning(told, self.folder)
            return None
        try:
            data = path.read_bytes()
            os.utime(path)
        except OSError as error:
            log.debug("%s: not there: %s", path, error)
            return None
        digest, graph = data[:DIGEST_BYTES], data[DIGEST_BYTES:]
        if hashlib.sha256(graph).digest() != digest:
            log.debug("%s: damaged: compiling it again", path)
            return None
        return graph

    def _keep(self, key: str, graph: bytes) -> None:
        if not is_private(self.folder):
            return
        try:
            write_whole(self._path(key), hashlib.sha256(graph).digest() + graph)
            self._make_room()
        except OSError as error:
            log.debug("%s: cannot be kept: %s", self._path(key), error)

    def _make_room(self) -> None:
        """Delete what was not used for longest. Another process may do so at the same time."""
        files = []
        for path in self.folder.glob(f"*{SUFFIX}"):
            with suppress(FileNotFoundError):
                found = path.stat()
                files.append((found.st_mtime_ns, found.st_size, path))
        left = sum(size for _, size, _ in files)
        for _, size, path in sorted(files):
            if left <= self._most_bytes:
                return
            path.unlink(missing_ok=True)
            left -= size

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}{SUFFIX}"


def key_of(
    digest: str, what: object, version: str, device: Mapping[str, Any], settings: Mapping[str, Any]
) -> str:
    """What a compiled graph depends on, as a name of a file.

    Args:
        digest: SHA-256 of the ONNX file.
        what: The sizes of inputs that it is compiled for, and its outputs.
        version: Of OpenVINO.
        device: Properties of the processor.
        settings: That it is compiled with.
    """
    parts = (digest, what, version, sorted(device.items()), sorted(settings.items()))
    return hashlib.sha256(repr(parts).encode()).hexdigest()
