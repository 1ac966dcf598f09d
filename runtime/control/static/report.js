// Numbers, events and recordings in words.

import { FrameChart, LatencyChart } from "./charts.js";

const STAGES = { capture: "Capture", infer: "Network", output: "Output", end_to_end: "End to end" };
const CAUSES = {
  newer: "Skipped for a newer one",
  too_old: "Too old",
  corrupt: "Damaged",
  network_failed: "Network failed",
  slow_output: "Output too slow",
  output_failed: "Output failed",
  stopped: "Stopped",
};

export class Report {
  #latency = new LatencyChart();
  #frames = new FrameChart();
  #choice = document.getElementById("camera");

  constructor() {
    this.#choice.addEventListener("change", () => {
      this.#latency.clear();
      this.#frames.clear();
    });
  }

  follow(status) {
    this.#offer(status.cameras.length);
    const camera = status.cameras[Number(this.#choice.value || 1) - 1];
    document.getElementById("stages").replaceChildren(...Object.entries(camera.stages).map(stageRow));
    if (camera.stages.end_to_end?.count) this.#latency.add(camera.stages.end_to_end);
    this.#frames.add(camera);
    fill("counts", counts(camera));
    fill("facts", facts(status));
    const fps = status.cameras.reduce((sum, one) => sum + one.shown_fps, 0);
    const engine = `${status.engine} ${status.precision}`;
    document.getElementById("headline").textContent = `${fps.toFixed(1)} fps · ${engine} · ${status.model}`;
  }

  showEvents(events) {
    const rows = events.toReversed().map((event) => {
      const row = document.createElement("li");
      const at = new Date(event.time_s * 1000);
      const time = Object.assign(document.createElement("time"), {
        dateTime: at.toISOString(),
        textContent: at.toLocaleTimeString(),
      });
      const text = [event.subject, event.kind, event.detail].filter(Boolean).join(": ");
      row.append(time, ` ${text}`);
      return row;
    });
    document.getElementById("events").replaceChildren(...(rows.length ? rows : [none("None so far")]));
  }

  async loadRecordings() {
    const answer = await fetch("/api/v1/recordings");
    if (!answer.ok) return;
    const rows = (await answer.json()).toReversed().map(recordingRow);
    const list = document.getElementById("recordings");
    list.replaceChildren(...(rows.length ? rows : [none("None in this run")]));
  }

  #offer(cameras) {
    if (this.#choice.length === cameras) return;
    const options = Array.from({ length: cameras }, (_, n) => new Option(`camera ${n + 1}`, n + 1));
    this.#choice.replaceChildren(...options);
    document.getElementById("camera-choice").hidden = cameras < 2;
  }
}

function none(text) {
  return Object.assign(document.createElement("li"), { className: "none", textContent: text });
}

function recordingRow({ name, finished, bytes }) {
  const row = document.createElement("li");
  if (finished) {
    const address = `/api/v1/recordings/${encodeURIComponent(name)}`;
    const link = Object.assign(document.createElement("a"), { href: address, textContent: name });
    link.download = name;
    row.append(link, ` ${(bytes / 1e6).toFixed(1)} MB`);
  } else row.append(`${name} is being written`);
  return row;
}

function stageRow([name, stage]) {
  const row = document.createElement("tr");
  const head = Object.assign(document.createElement("th"), {
    scope: "row",
    textContent: STAGES[name] ?? name,
  });
  const values = [stage.p50_ms, stage.p95_ms, stage.p99_ms].map((ms) =>
    Object.assign(document.createElement("td"), { textContent: stage.count ? ms.toFixed(1) : "–" }),
  );
  row.append(head, ...values);
  return row;
}

function counts(camera) {
  const dropped = Object.entries(camera.dropped).filter(([, count]) => count);
  return {
    Captured: camera.captured,
    Shown: camera.shown,
    ...Object.fromEntries(dropped.map(([cause, count]) => [CAUSES[cause] ?? cause, count])),
    ...(camera.unstylised ? { "Shown unstylised": camera.unstylised } : {}),
    ...(camera.reconnects ? { Reconnects: camera.reconnects } : {}),
    ...(camera.stalls ? { Stalls: camera.stalls } : {}),
  };
}

function facts(status) {
  const found = {
    Engine: status.engine,
    Precision: status.precision,
    Model: status.model,
    "Runs for": duration(status.uptime_s),
    Readers: status.readers,
  };
  for (const camera of status.cameras) {
    const drift = camera.drift === null ? "" : `, drift ${camera.drift.toFixed(2)}`;
    const flicker = camera.flicker === null ? "" : `, flicker ${camera.flicker.toFixed(2)}`;
    const lowered = camera.resolution < 1;
    const resolution = lowered ? `, resolution ${Math.round(100 * camera.resolution)} %` : "";
    found[`Camera ${camera.number}`] = `${camera.name}${drift}${flicker}${resolution}`;
  }
  return found;
}

function duration(seconds) {
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  const rest = String(Math.floor(seconds % 60)).padStart(2, "0");
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
}

function fill(id, values) {
  const cells = Object.entries(values).flatMap(([name, value]) => [
    Object.assign(document.createElement("dt"), { textContent: name }),
    Object.assign(document.createElement("dd"), {
      textContent: typeof value === "number" ? value.toLocaleString() : value,
    }),
  ]);
  document.getElementById(id).replaceChildren(...cells);
}
