"""Plans are kept whole or not at all, and one that does not fit says why."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hsi.runtime.trt.builder import BuildCancelled, BuiltPlan
from hsi.runtime.trt.plan_cache import PlanCache
from hsi.runtime.trt.plan_key import PlanKey

KEY = PlanKey(
    graph="ab" * 32,
    profile="1280x720",
    flags="level 3",
    tensorrt="10.3.0",
    gpu="Orin",
    compute_capability="8.7",
    driver="12.6",
    version_compatible=False,
)
BUILT = BuiltPlan(plan=b"a plan", timings=b"timings")


@pytest.fixture
def cache(tmp_path: Path) -> PlanCache:
    return PlanCache(tmp_path / "plans")


def test_an_empty_cache_has_nothing_and_says_nothing(
    cache: PlanCache, caplog: pytest.LogCaptureFixture
) -> None:
    assert cache.find(KEY) is None
    assert cache.timings(KEY) == b""
    assert caplog.text == ""


def test_a_plan_that_was_kept_is_found_with_a_sidecar_that_says_what_built_it(
    cache: PlanCache,
) -> None:
    cache.keep(KEY, BUILT, 83.2)

    assert cache.find(KEY) == b"a plan"
    assert cache.timings(KEY) == b"timings"
    (sidecar,) = cache.folder.glob("*.json")
    told = json.loads(sidecar.read_text())
    assert told["key"]["gpu"] == "Orin"
    assert (told["build_s"], told["bytes"]) == (83.2, 6)
    assert os.stat(cache.folder).st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("tensorrt", "10.3.1"),
        ("gpu", "Thor"),
        ("compute_capability", "11.0"),
        ("driver", "13.0"),
        ("flags", "level 5"),
        ("version_compatible", True),
    ],
)
def test_a_plan_of_another_machine_is_not_taken_and_the_log_says_why(
    cache: PlanCache, caplog: pytest.LogCaptureFixture, name: str, value: Any
) -> None:
    cache.keep(KEY, BUILT, 1)
    changed: dict[str, Any] = {name: value}
    here = replace(KEY, **changed)

    assert cache.find(here) is None
    assert f"does not fit: built for {name} {getattr(KEY, name)}, here {value}" in caplog.text


@pytest.mark.parametrize("name", ["graph", "profile"])
def test_a_plan_of_another_graph_or_size_is_nothing_to_speak_of(
    cache: PlanCache, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    cache.keep(KEY, BUILT, 1)
    changed: dict[str, Any] = {name: "cd" * 32}

    assert cache.find(replace(KEY, **changed)) is None
    assert caplog.text == ""


def test_plans_of_two_machines_live_side_by_side(cache: PlanCache) -> None:
    other = replace(KEY, gpu="Thor")
    cache.keep(KEY, BUILT, 1)
    cache.keep(other, replace(BUILT, plan=b"another"), 1)

    assert (cache.find(KEY), cache.find(other)) == (b"a plan", b"another")


@pytest.mark.parametrize(
    ("built", "here", "taken"),
    [
        ("10.3.0", "11.4.0", True),
        ("10.3.0", "10.16.1", True),
        ("11.4.0", "10.3.0", False),
        ("10.3.0", "12.0.0", False),
    ],
)
def test_a_version_compatible_plan_runs_on_the_next_major(
    cache: PlanCache, built: str, here: str, taken: bool
) -> None:
    key = replace(KEY, tensorrt=built, version_compatible=True)
    cache.keep(key, BUILT, 1)

    assert (cache.find(replace(key, tensorrt=here)) == b"a plan") is taken


def test_a_damaged_plan_is_not_taken(cache: PlanCache, caplog: pytest.LogCaptureFixture) -> None:
    cache.keep(KEY, BUILT, 1)
    (plan,) = cache.folder.glob("*.plan")
    plan.write_bytes(b"a plam")

    assert cache.find(KEY) is None
    assert "is damaged: building it again" in caplog.text


def test_a_plan_without_its_sidecar_was_not_finished(cache: PlanCache) -> None:
    cache.keep(KEY, BUILT, 1)
    next(cache.folder.glob("*.json")).unlink()

    assert cache.find(KEY) is None


@pytest.mark.parametrize("text", ["", "{}", '{"format": 3}', "[" * 10_000])
def test_a_damaged_sidecar_is_as_good_as_none(cache: PlanCache, text: str) -> None:
    cache.keep(KEY, BUILT, 1)
    next(cache.folder.glob("*.json")).write_text(text)

    assert cache.find(KEY) is None


def test_what_is_dropped_is_not_found(cache: PlanCache) -> None:
    cache.keep(KEY, BUILT, 1)
    cache.drop(KEY)

    assert cache.find(KEY) is None


def test_a_folder_that_others_may_write_to_is_not_trusted(
    cache: PlanCache, caplog: pytest.LogCaptureFixture
) -> None:
    cache.keep(KEY, BUILT, 1)
    cache.folder.chmod(0o777)

    assert cache.find(KEY) is None
    assert "others may write to it, so its plans are not used: run chmod 700" in caplog.text


def test_a_cache_that_cannot_be_written_is_said_and_no_failure(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    cache = PlanCache(tmp_path / "file" / "plans")

    with cache.locked(KEY, threading.Event()):
        cache.keep(KEY, BUILT, 1)

    assert "the plan cannot be kept" in caplog.text
    assert cache.find(KEY) is None


def test_a_full_disk_leaves_no_half_of_a_plan(
    small_disk: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cache = PlanCache(small_disk / "plans")

    cache.keep(KEY, BuiltPlan(plan=b"x" * 400_000, timings=b""), 1)

    assert "the plan cannot be kept" in caplog.text
    assert list(cache.folder.iterdir()) == []
    assert cache.find(KEY) is None


HOLD = """
import sys, threading
from pathlib import Path
from hsi.runtime.trt.plan_cache import PlanCache
from hsi.runtime.trt.plan_key import PlanKey
import json
key = PlanKey(**json.loads(sys.argv[2]))
with PlanCache(Path(sys.argv[1])).locked(key, threading.Event()):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def other_process(cache: PlanCache) -> subprocess.Popen[str]:
    """Another process that holds the lock of the key until its input ends."""
    words = [sys.executable, "-c", HOLD, str(cache.folder), json.dumps(vars(KEY))]
    process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_who_comes_second_waits_for_the_other_process(
    cache: PlanCache, other_process: subprocess.Popen[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    done = threading.Event()

    def wait() -> None:
        with cache.locked(KEY, threading.Event()):
            done.set()

    thread = threading.Thread(target=wait)
    thread.start()
    assert not done.wait(0.7)
    other_process.communicate("")
    assert done.wait(30)
    thread.join()

    assert "another process builds this plan: waiting for it" in caplog.text


def test_the_lock_of_a_process_that_was_killed_is_free(
    cache: PlanCache, other_process: subprocess.Popen[str]
) -> None:
    other_process.kill()
    other_process.communicate()

    with cache.locked(KEY, threading.Event()):
        pass


def test_whoever_waits_may_be_told_to_stop(
    cache: PlanCache, other_process: subprocess.Popen[str]
) -> None:
    cancel = threading.Event()
    threading.Timer(0.1, cancel.set).start()

    with pytest.raises(BuildCancelled, match="the build was cancelled"), cache.locked(KEY, cancel):
        pass
    other_process.communicate("")
