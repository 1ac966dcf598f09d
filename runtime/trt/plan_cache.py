"""Plans on disk, each with a sidecar that says what built it."""

import hashlib
import json
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path

from filelock import FileLock, Timeout

from hsi.runtime.errors import BundleError
from hsi.runtime.json_record import record_from_json
from hsi.runtime.private_folder import is_private, make_private, write_whole
from hsi.runtime.style_code import cache_home
from hsi.runtime.trt.builder import BuildCancelled, BuiltPlan
from hsi.runtime.trt.plan_key import PlanKey

log = logging.getLogger(__name__)

FORMAT = "hsi tensorrt plan 1"
LOOK_EVERY_S = 0.5  # at a lock that another process holds


@dataclass(frozen=True, kw_only=True)
class Sidecar:
    """What a plan is, beside it as JSON."""

    format: str
    key: PlanKey
    sha256: str
    bytes: int
    build_s: float
    created: str


class PlanCache:
    """Plans by key. One that cannot be written is as good as empty: then each run builds anew.

    The folder is the user's own and closed to others: a plan is machine code.

    Args:
        folder: Where; None for ``$XDG_CACHE_HOME/hsi-edge/tensorrt``.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or cache_home() / "hsi-edge" / "tensorrt"

    def find(self, key: PlanKey) -> bytes | None:
        """The plan of a key, or one that runs here all the same; None if there is none.

        Where there is one of the same graph and profile that does not fit, the log says why.
        """
        known = self._sidecars(key)
        for path, one in known:
            if one.key == key or key.takes(one.key):
                plan = self._read(path, one)
                if plan is not None:
                    log.info("TensorRT plan %s, built %s", path.name, one.created)
                    return plan
        for path, one in known:
            if reason := key.differences(one.key):
                log.warning("TensorRT plan %s does not fit: built for %s", path.name, reason)
        return None

    def keep(self, key: PlanKey, built: BuiltPlan, build_s: float) -> None:
        """Write a plan, its sidecar last, and the timings for the builds to come."""
        path = self._path(key)
        sidecar = Sidecar(
            format=FORMAT,
            key=key,
            sha256=hashlib.sha256(built.plan).hexdigest(),
            bytes=len(built.plan),
            build_s=round(build_s, 1),
            created=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        )
        try:
            path.with_suffix(".json").unlink(missing_ok=True)
            write_whole(path, built.plan)
            write_whole(path.with_suffix(".json"), json.dumps(asdict(sidecar), indent=1).encode())
            write_whole(self._timings_path(key), built.timings)
        except OSError as error:
            log.warning(
                "%s: the plan cannot be kept (%s): the next run builds it again", path, error
            )

    def drop(self, key: PlanKey) -> None:
        """Forget every plan that :meth:`find` would give for a key."""
        for path, one in self._sidecars(key):
            if one.key == key or key.takes(one.key):
                with suppress(OSError):
                    path.with_suffix(".json").unlink()

    def timings(self, key: PlanKey) -> bytes:
        """What earlier builds on this machine learnt; empty if nothing."""
        try:
            return self._timings_path(key).read_bytes()
        except OSError:
            return b""

    @contextmanager
    def locked(self, key: PlanKey, cancel: threading.Event) -> Iterator[None]:
        """Wait until no other process builds the plan of a key, and keep others out meanwhile.

        Raises:
            BuildCancelled: ``cancel`` was set while waiting.
        """
        path = self._path(key).with_suffix(".lock")
        lock = FileLock(path)
        try:
            self.make_folder()
            self._acquire(lock, cancel)
        except OSError as error:
            # Nothing can be kept here either, so there is nothing to keep others from.
            log.debug("%s: cannot be locked: %s", path, error)
        try:
            yield
        finally:
            lock.release()

    def _acquire(self, lock: FileLock, cancel: threading.Event) -> None:
        told = False
        while not cancel.is_set():
            try:
                lock.acquire(timeout=LOOK_EVERY_S)
                return
            except Timeout:
                if not told:
                    log.warning("another process builds this plan: waiting for it")
                told = True
        raise BuildCancelled("the build was cancelled")

    def _sidecars(self, key: PlanKey) -> list[tuple[Path, Sidecar]]:
        """Those of a graph and profile, the fitting one first."""
        found: list[tuple[Path, Sidecar]] = []
        if not self.is_private():
            log.warning(
                "%s: others may write to it, so its plans are not used: run chmod 700 on it",
                self.folder,
            )
            return found
        for path in sorted(self.folder.glob(f"{key.graph[:16]}-*.json")):
            try:
                one = record_from_json(Sidecar, json.loads(path.read_bytes()), path.name)
            except (OSError, ValueError, RecursionError, BundleError) as error:
                log.debug("%s: no sidecar: %s", path, error)
                continue
            if one.format == FORMAT and (one.key.graph, one.key.profile) == (
                key.graph,
                key.profile,
            ):
                found.append((path.with_suffix(".plan"), one))
        return sorted(found, key=lambda pair: pair[1].key != key)

    def _read(self, path: Path, sidecar: Sidecar) -> bytes | None:
        try:
            plan = path.read_bytes()
        except OSError as error:
            log.warning("TensorRT plan %s cannot be read: %s", path.name, error)
            return None
        if len(plan) != sidecar.bytes or hashlib.sha256(plan).hexdigest() != sidecar.sha256:
            log.warning("TensorRT plan %s is damaged: building it again", path.name)
            return None
        return plan

    def _path(self, key: PlanKey) -> Path:
        return self.folder / f"{key.graph[:16]}-{key.digest}.plan"

    def _timings_path(self, key: PlanKey) -> Path:
        return self.folder / f"timings-{key.machine}.cache"

    def is_private(self) -> bool:
        """Whether no one else can put machine code into it."""
        return is_private(self.folder)

    def make_folder(self) -> None:
        """Make it, closed to others.

        Raises:
            OSError: The disk refuses.
        """
        make_private(self.folder)
