"""A run as Prometheus has it. Names and units: ``docs/observing.md``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from hsi.runtime.camera_state import CameraState
from hsi.runtime.heap import heap_in_use_bytes
from hsi.runtime.live_run import LiveRun
from hsi.runtime.machine_gauges import MachineGauges
from hsi.runtime.run_status import CameraStatus, RunStatus

BOUNDS_MS = (
    1, 2, 5, 10, 15, 20, 25, 33, 40, 50, 75, 100, 150, 200, 300, 500, 1000, 2500, 5000, 10000,
)  # fmt: skip
"""Upper bounds of the buckets of latencies."""

Value = Callable[[CameraStatus], float | None]

_COUNTERS: tuple[tuple[str, str, Value], ...] = (
    ("frames_captured", "Frames that came, damaged ones too", lambda one: one.captured),
    ("frames_shown", "Frames that an output has", lambda one: one.shown),
    ("frames_unstylised", "Of those shown, the frame itself", lambda one: one.unstylised),
    ("frames_repeated", "Pictures shown in place of new ones", lambda one: one.repeated),
    ("camera_reconnects", "How often a camera came back", lambda one: one.reconnects),
    ("camera_stalls", "How often a camera fell silent", lambda one: one.stalls),
    ("camera_losses", "How often a camera went away", lambda one: one.losses),
)
_GAUGES: tuple[tuple[str, str, Value], ...] = (
    ("frames_waiting", "Frames captured, and neither shown nor dropped", lambda one: one.waiting),
    ("last_frame_age_seconds", "Since a frame came", lambda one: one.last_frame_age_s),
    ("last_shown_age_seconds", "Since a picture was shown", lambda one: one.last_shown_age_s),
    ("drift_ratio", "Scene against what was calibrated on, 1 at its edge", lambda one: one.drift),
    ("flicker_levels", "Grey levels a still scene's picture changes", lambda one: one.flicker),
    ("resolution_ratio", "Share of the sides that the network sees", lambda one: one.resolution),
)


class RunCollector(Collector):
    """Tells how a run stands whenever Prometheus asks.

    Args:
        live: The run.
        machine: Sensors of this machine; None: what it has.
    """

    def __init__(self, live: LiveRun, machine: MachineGauges | None = None) -> None:
        self._live = live
        self._machine = machine or MachineGauges()

    def collect(self) -> Iterable[Metric]:
        """Return every metric, all of one moment."""
        status = self._live.status()
        yield from _run_metrics(status)
        for name, text, value in _COUNTERS:
            yield _filled(
                CounterMetricFamily(f"hsi_{name}", text, labels=["camera"]), status, value
            )
        for name, text, value in _GAUGES:
            gauge = GaugeMetricFamily(f"hsi_{name}", text, labels=["camera"])
            yield _filled(gauge, status, value)
        yield _drops(status)
        yield _states(status)
        yield self._stages()
        yield from _heap()
        yield _sensors("hsi_temperature_celsius", "Sensors", self._machine.temperatures_c())
        yield _sensors("hsi_power_watts", "Power drawn", self._machine.powers_w())

    def describe(self) -> Iterable[Metric]:
        """Return nothing: names are unique to this collector."""
        return ()

    def _stages(self) -> Metric:
        family = HistogramMetricFamily(
            "hsi_stage_seconds", "Time that a stage takes for a frame", labels=["camera", "stage"]
        )
        for camera, stages in self._live.stage_buckets(BOUNDS_MS).items():
            for stage, found in stages.items():
                bounds = [f"{bound / 1000:g}" for bound in BOUNDS_MS]
                buckets = [*zip(bounds, found.at_most, strict=True), ("+Inf", found.count)]
                family.add_metric([camera, stage], buckets, found.total_ms / 1000)
        return family


def _run_metrics(status: RunStatus) -> Iterator[Metric]:
    yield InfoMetricFamily(
        "hsi_run",
        "What runs",
        value={
            "model": status.model,
            "engine": status.engine,
            "precision": status.precision,
            "style": status.style,
        },
    )
    start = "hsi_run_start_time_seconds"
    yield GaugeMetricFamily(start, "Unix time of the start", value=status.started_at_s)
    yield GaugeMetricFamily("hsi_style_strength_ratio", "Share of the style", status.strength)
    yield GaugeMetricFamily("hsi_stability_ratio", "How steady videos are", status.stability)
    events = CounterMetricFamily("hsi_events", "Events", labels=["kind"])
    for kind, count in sorted(status.event_counts.items()):
        events.add_metric([kind], count)
    yield events


def _heap() -> Iterator[Metric]:
    in_use = heap_in_use_bytes()
    if in_use is not None:
        text = "Memory handed out and not given back; what is resident beyond it is kept"
        yield GaugeMetricFamily("hsi_heap_in_use_bytes", text, value=in_use)


def _filled(
    family: CounterMetricFamily | GaugeMetricFamily, status: RunStatus, value: Value
) -> Metric:
    for camera in status.cameras:
        found = value(camera)
        if found is not None:
            family.add_metric([camera.name], found)
    return family


def _drops(status: RunStatus) -> Metric:
    family = CounterMetricFamily(
        "hsi_frames_dropped", "Frames that nobody sees, by cause", labels=["camera", "cause"]
    )
    for camera in status.cameras:
        for cause, count in camera.dropped.items():
            family.add_metric([camera.name, cause], count)
    return family


def _states(status: RunStatus) -> Metric:
    family = GaugeMetricFamily(
        "hsi_camera_state", "1 at the state that a camera is in", labels=["camera", "state"]
    )
    for camera in status.cameras:
        for state in CameraState:
            family.add_metric([camera.name, state.value], float(state is camera.state))
    return family


def _sensors(name: str, text: str, values: dict[str, float]) -> Metric:
    family = GaugeMetricFamily(name, text, labels=["sensor"])
    for sensor, value in sorted(values.items()):
        family.add_metric([sensor], value)
    return family
