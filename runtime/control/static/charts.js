// Two small charts over the last two minutes, drawn as SVG.

const KEPT_S = 120;
const WIDTH = 600;
const HEIGHT = 120;
const TOP = 14; // room for the largest value's label

function shape(name, attributes, text) {
  const found = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) found.setAttribute(key, value);
  if (text !== undefined) found.textContent = text;
  return found;
}

// The next of 1, 2, 5, 10, 20 ...
function niceAbove(value) {
  const power = 10 ** Math.floor(Math.log10(Math.max(value, 1)));
  return [1, 2, 5, 10].map((step) => step * power).find((step) => step >= value);
}

class History {
  #points = [];

  add(values) {
    const now = performance.now() / 1000;
    this.#points.push({ at: now, values });
    while (this.#points[0].at < now - KEPT_S) this.#points.shift();
    return this.#points.map((point) => ({
      x: WIDTH * (1 - (now - point.at) / KEPT_S),
      values: point.values,
    }));
  }

  clear() {
    this.#points = [];
  }
}

class Chart {
  constructor(id, unit, names) {
    this.svg = document.getElementById(`${id}-chart`);
    this.legend = document.getElementById(`${id}-legend`);
    this.unit = unit;
    this.history = new History();
    this.svg.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
    this.svg.setAttribute("preserveAspectRatio", "none");
    this.names = names;
  }

  clear() {
    this.history.clear();
  }

  frame(most) {
    const line = { x1: 0, x2: WIDTH, class: "grid" };
    return [
      shape("line", { ...line, y1: this.y(most, most), y2: this.y(most, most) }),
      shape("line", { ...line, y1: HEIGHT - 1, y2: HEIGHT - 1 }),
    ];
  }

  y(value, most) {
    return HEIGHT - 1 - (value / most) * (HEIGHT - TOP);
  }

  tell(most, values) {
    const keys = Object.entries(values).map(([name, value]) => {
      const key = document.createElement("span");
      key.dataset.series = name;
      key.textContent = `${this.names[name] ?? name} ${value}`;
      return key;
    });
    const top = Object.assign(document.createElement("span"), {
      className: "scale",
      textContent: `up to ${most} ${this.unit}, 2 minutes`,
    });
    this.legend.replaceChildren(...keys, top);
  }
}

export class LatencyChart extends Chart {
  constructor() {
    super("latency", "ms", {});
  }

  add({ p50_ms, p95_ms, p99_ms }) {
    const points = this.history.add({ p50: p50_ms, p95: p95_ms, p99: p99_ms });
    const most = niceAbove(Math.max(...points.map((point) => point.values.p99)));
    const lines = ["p99", "p95", "p50"].map((name) => {
      const path = points.map((p) => `${p.x.toFixed(1)},${this.y(p.values[name], most).toFixed(1)}`);
      return shape("polyline", { points: path.join(" "), "data-series": name });
    });
    this.svg.replaceChildren(...this.frame(most), ...lines);
    this.tell(most, {
      p50: `${p50_ms.toFixed(0)} ms`,
      p95: `${p95_ms.toFixed(0)} ms`,
      p99: `${p99_ms.toFixed(0)} ms`,
    });
  }
}

const CAUSES = ["shown", "newer", "late", "fault"];
const NAMES = { newer: "skipped for a newer one", late: "too late", fault: "faults" };
const KIND = { newer: "newer", too_old: "late", slow_output: "late", stopped: "late" };

export class FrameChart extends Chart {
  #before = null;

  constructor() {
    super("drop", "frames/s", NAMES);
  }

  clear() {
    super.clear();
    this.#before = null;
  }

  add(camera) {
    const total = { shown: camera.shown, newer: 0, late: 0, fault: 0 };
    for (const [cause, count] of Object.entries(camera.dropped)) total[KIND[cause] ?? "fault"] += count;
    const now = performance.now() / 1000;
    const before = this.#before;
    if (before && now - before.at < 1) return; // rates of less than a second jump
    this.#before = { at: now, total };
    // A server that was started again counts from 0.
    if (!before || CAUSES.some((name) => total[name] < before.total[name])) return;
    const rates = {};
    for (const name of CAUSES) {
      rates[name] = (total[name] - before.total[name]) / (now - before.at);
    }
    const points = this.history.add(rates);
    const sum = (values) => CAUSES.reduce((all, name) => all + values[name], 0);
    const most = niceAbove(Math.max(...points.map((point) => sum(point.values))));
    const bars = points.flatMap((point, place) => this.#stack(point, points[place - 1], most));
    this.svg.replaceChildren(...this.frame(most), ...bars);
    const told = CAUSES.filter((name) => name === "shown" || points.some((p) => p.values[name]));
    this.tell(most, Object.fromEntries(told.map((name) => [name, rates[name].toFixed(1)])));
  }

  #stack(point, previous, most) {
    const left = Math.max(previous?.x ?? 0, point.x - 15); // after a gap the bar is a bar
    let below = 0;
    return CAUSES.filter((name) => point.values[name]).map((name) => {
      const top = below + point.values[name];
      const [high, low] = [this.y(top, most), this.y(below, most)];
      below = top;
      const box = { x: left, width: point.x - left, y: high, height: low - high, "data-series": name };
      return shape("rect", box);
    });
  }
}
