"""Metrics and health of a real run, asked for over HTTP and read by Prometheus' own parser."""

from __future__ import annotations

import http.client
import json
import platform
import re
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from hsi.runtime.errors import OutputError
from hsi.runtime.live_arguments import LiveOptions
from hsi.runtime.metrics.options import MetricsOptions
from hsi.runtime.metrics.server import MetricsServer

CAMERA = "test://96x64@30"
DASHBOARD = Path(__file__).resolve().parents[3] / "examples" / "grafana" / "hsi-edge.json"
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


class Opened:
    """Options of a server that tell where it is."""

    server: MetricsServer

    def open(self) -> MetricsServer:
        self.server = MetricsOptions(port=0).open()
        return self.server

    def get(self, path: str) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=20)
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read().decode()
        connection.close()
        return answer.status, body

    def samples(self) -> Samples:
        status, text = self.get("/metrics")
        assert status == 200
        return {
            (one.name, frozenset(one.labels.items())): one.value
            for family in text_string_to_metric_families(text)
            for one in family.samples
        }


@pytest.fixture
def opened() -> Opened:
    return Opened()


@pytest.fixture
def live(live_play: Callable[..., Any], opened: Opened) -> Any:
    live = live_play(attachments=(opened,)).live
    deadline = time.monotonic() + 20
    while live.status().cameras[0].shown < 5:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return live


def _key(name: str, **labels: str) -> tuple[str, frozenset[tuple[str, str]]]:
    return name, frozenset(labels.items())


def test_prometheus_reads_the_frames_of_a_camera(live: Any, opened: Opened) -> None:
    before, samples, after = live.status(), opened.samples(), live.status()
    captured = samples[_key("hsi_frames_captured_total", camera=CAMERA)]
    assert before.cameras[0].captured <= captured <= after.cameras[0].captured
    out = sum(
        value for (name, labels), value in samples.items() if name == "hsi_frames_dropped_total"
    )
    out += samples[_key("hsi_frames_shown_total", camera=CAMERA)]
    assert captured == out + samples[_key("hsi_frames_waiting", camera=CAMERA)]
    assert samples[_key("hsi_camera_state", camera=CAMERA, state="running")] == 1
    assert samples[_key("hsi_camera_state", camera=CAMERA, state="lost")] == 0


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="needs glibc")
def test_prometheus_reads_the_heap_in_use(live: Any, opened: Opened) -> None:
    samples = opened.samples()
    in_use = samples[_key("hsi_heap_in_use_bytes")]
    assert 1e6 < in_use < samples[_key("process_virtual_memory_bytes")]


def test_histograms_grow_up_to_their_count(live: Any, opened: Opened) -> None:
    samples = opened.samples()
    buckets = sorted(
        (float(dict(labels)["le"]), value)
        for (name, labels), value in samples.items()
        if name == "hsi_stage_seconds_bucket" and ("stage", "infer") in labels
    )
    counts = [value for _, value in buckets]
    assert counts == sorted(counts)
    assert counts[-1] == samples[_key("hsi_stage_seconds_count", camera=CAMERA, stage="infer")] > 4
    total_s = samples[_key("hsi_stage_seconds_sum", camera=CAMERA, stage="infer")]
    assert 0 < total_s < 60


def test_what_runs_is_told_and_follows_the_style(live: Any, opened: Opened) -> None:
    live.set_style("great-wave")
    live.set_strength(0.25)
    samples = opened.samples()
    words = {"model": "hsi-edge", "precision": "fp32", "engine": live.status().engine}
    assert samples[_key("hsi_run_info", style="great-wave", **words)] == 1
    assert samples[_key("hsi_style_strength_ratio")] == 0.25
    assert samples[_key("hsi_events_total", kind="style changed")] == 1


def test_a_run_that_gives_pictures_is_alive_and_ready(live: Any, opened: Opened) -> None:
    for path in ("/healthz", "/readyz?probe=1"):
        status, body = opened.get(path)
        assert (status, json.loads(body)) == (200, {"alive": True, "ready": True, "reasons": {}})


def test_no_other_page_is_there(live: Any, opened: Opened) -> None:
    assert opened.get("/") == (404, "see /metrics, /healthz and /readyz\n")


def test_a_lost_camera_is_not_ready_and_no_secret_is_told(
    live_play: Callable[..., Any], opened: Opened
) -> None:
    address = "rtsp://me:hunter2@127.0.0.1:1/live?token=hunter2"
    live_play(sources=(address,), live=LiveOptions(reconnect=True), attachments=(opened,))
    deadline = time.monotonic() + 20
    while "missing" not in opened.get("/readyz")[1]:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert opened.get("/readyz")[0] == 503
    assert opened.get("/healthz")[0] == 200
    pages = [opened.get(path)[1] for path in ("/metrics", "/readyz", "/healthz")]
    assert "rtsp://***@" in pages[0]
    assert not any("hunter2" in page for page in pages)


def test_before_the_model_is_loaded_a_run_is_alive_and_not_ready(opened: Opened) -> None:
    with opened.open():
        assert opened.get("/healthz")[0] == 200
        assert opened.get("/readyz") == (
            503,
            '{"alive": true, "ready": false, "reasons": {"run": "loading"}}',
        )


def test_a_taken_port_is_said_before_a_model_is_loaded() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(OutputError, match=f"--metrics 127.0.0.1:{port}: cannot listen there"):
            MetricsOptions(port=port).open()


def test_the_dashboard_asks_for_metrics_that_there_are(live: Any, opened: Opened) -> None:
    there = {name for name, _ in opened.samples()}
    # Sensors and drift are not everywhere: their names stand in the help.
    there |= set(re.findall(r"^# TYPE (\w+) gauge", opened.get("/metrics")[1], re.MULTILINE))
    dashboard = json.loads(DASHBOARD.read_text())
    queries = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    queries += [one["query"] for one in dashboard["templating"]["list"] if one["type"] == "query"]
    asked = {name for query in queries for name in re.findall(r"\b(?:hsi|process)_\w+", query)}
    assert len(asked) > 15
    assert asked - there == set()


def test_the_dashboard_asks_for_labels_and_stages_that_there_are(live: Any, opened: Opened) -> None:
    found = opened.samples()
    labels = {(name, label) for name, pairs in found for label, _ in pairs}
    dashboard = DASHBOARD.read_text()
    for name, selected in re.findall(r"(hsi_\w+)\{(.*?)\}", dashboard):
        for label in re.findall(r"(\w+)=", selected):
            asked_of = {one for one, _ in found if one == name}
            assert not asked_of or (name, label) in labels, (name, label)
    choices = {one["name"]: one["query"] for one in json.loads(dashboard)["templating"]["list"]}
    told = {value for _, pairs in found for label, value in pairs if label == "stage"}
    assert set(choices["stage"].split(",")) == told
