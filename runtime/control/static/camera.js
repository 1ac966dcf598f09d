// One camera: live picture with wipe, snapshot, recording, protected parts.

import { Drawing, percent } from "./drawing.js";
import { Pictures } from "./pictures.js";

const STALE_MS = 2500;
const SHARPEST = 2; // device pixels that are worth their bytes

export class CameraTile {
  #shown = null; // {bitmap, view}
  #shownAt = 0;
  #parts = [];
  #recording = null;

  constructor(number, { order, tell }) {
    this.number = number;
    this.order = order;
    this.tell = tell;
    const copy = document.getElementById("camera-template").content.cloneNode(true);
    this.element = copy.querySelector("article");
    this.canvas = this.#find("canvas");
    this.wipe = this.#find(".wipe");
    this.wipe.ariaLabel = `Share of the input in the picture of camera ${number}`;
    this.wipe.value = localStorage.getItem("wipe") ?? "50";
    this.#find("h2").textContent = `Camera ${number}`;
    this.canvas.ariaLabel = `Live picture of camera ${number}`;
    this.#find(".snapshot").href = `/api/v1/cameras/${number}/snapshot`;
    this.pictures = new Pictures(number, {
      wish: () => this.#wish(),
      show: (bitmap, view) => this.#show(bitmap, view),
      complain: (text) => text && this.#veil(text),
    });
    this.drawing = new Drawing(this.#find(".screen"), this.#find(".marks"), {
      drawn: (part) => this.#protect([...this.#parts, part]),
      wiped: (share) => this.#setWipe(Math.round(share * 100)),
    });
    this.#connect();
    setInterval(() => this.#checkAge(), 500);
  }

  update(camera, look) {
    this.#find("h2").textContent = `Camera ${this.number}`;
    this.#find("h2").title = camera.name;
    const size = camera.width ? `${camera.width}×${camera.height} · ` : "";
    this.#find(".state").textContent = `${size}${camera.shown_fps.toFixed(1)} fps · ${camera.state}`;
    this.element.dataset.state = camera.state;
    if (camera.width) this.#find(".screen").style.aspectRatio = `${camera.width} / ${camera.height}`;
    this.#recording = camera.recording;
    const record = this.#find(".record");
    record.ariaPressed = String(Boolean(camera.recording));
    record.textContent = camera.recording ? "Stop recording" : "Record";
    this.#showParts(look.protect, look.masks);
  }

  // What was told last must not look as if it still held.
  leave() {
    this.#find(".state").textContent = "not connected";
  }

  #find(selector) {
    return this.element.querySelector(selector);
  }

  #connect() {
    this.wipe.addEventListener("input", () => this.#setWipe(Number(this.wipe.value)));
    this.#find(".record").addEventListener("click", () => this.#record());
    this.#find(".protect").addEventListener("click", (event) => {
      const on = event.target.ariaPressed !== "true";
      event.target.ariaPressed = String(on);
      this.drawing.active = on;
      this.#find(".hint").hidden = !on;
    });
    this.#find(".numbers").addEventListener("submit", (event) => {
      event.preventDefault();
      const given = Object.fromEntries(new FormData(event.target).entries());
      const part = Object.fromEntries(Object.entries(given).map(([k, v]) => [k, Number(v)]));
      this.#protect([...this.#parts, part]);
    });
  }

  #wish() {
    const at = Number(this.wipe.value);
    const view = at === 0 ? "stylised" : at === 100 ? "input" : "pair";
    const width = this.canvas.clientWidth * Math.min(devicePixelRatio, SHARPEST);
    return { view, width: Math.max(16, Math.min(8192, Math.round(width))) };
  }

  #setWipe(percents) {
    this.wipe.value = percents;
    localStorage.setItem("wipe", percents);
    this.#paint();
  }

  #show(bitmap, view) {
    this.#shown?.bitmap.close();
    this.#shown = { bitmap, view };
    this.#shownAt = performance.now();
    this.#veil("");
    this.#paint();
  }

  #paint() {
    const at = Number(this.wipe.value);
    this.#find(".seam").style.left = `${at}%`;
    this.#find(".seam").hidden = at === 0 || at === 100;
    this.#find(".side.input").hidden = at < 15;
    this.#find(".side.stylised").hidden = at > 85;
    if (!this.#shown) return;
    const { bitmap, view } = this.#shown;
    const width = bitmap.width;
    const height = view === "pair" ? bitmap.height / 2 : bitmap.height;
    if (this.canvas.width !== width || this.canvas.height !== height) {
      Object.assign(this.canvas, { width, height });
    }
    const context = this.canvas.getContext("2d", { alpha: false });
    const stylisedTop = view === "pair" ? height : 0;
    context.drawImage(bitmap, 0, stylisedTop, width, height, 0, 0, width, height);
    const cut = Math.round((width * at) / 100);
    if (view === "pair" && cut) context.drawImage(bitmap, 0, 0, cut, height, 0, 0, cut, height);
  }

  #checkAge() {
    const age = performance.now() - this.#shownAt;
    // An old picture must not look as if it were live.
    if (this.#shown && !document.hidden && age > STALE_MS) {
      this.#veil(`No new picture for ${Math.round(age / 1000)} s`);
    }
  }

  #veil(text) {
    const veil = this.#find(".veil");
    if (veil.textContent !== text) veil.textContent = text;
    veil.hidden = !text;
  }

  async #record() {
    const stop = Boolean(this.#recording);
    const done = await this.order(stop ? "stop_recording" : "start_recording", {
      camera: this.number,
    });
    if (done) this.tell(stop ? `Recorded ${done.name}` : `Recording ${done.name}`);
  }

  async #protect(parts) {
    const change = { protect: parts, camera: this.number };
    if (!(await this.order("change_settings", { change }))) return;
    const button = this.#find(".protect");
    if (button.ariaPressed === "true") button.click();
  }

  #showParts(parts, masks) {
    const same = JSON.stringify([parts, masks]);
    if (this.element.dataset.parts === same) return;
    this.element.dataset.parts = same;
    this.#parts = parts;
    this.drawing.mark(parts);
    const rows = parts.map((part, place) => {
      const row = document.createElement("li");
      const remove = document.createElement("button");
      remove.type = "button";
      remove.textContent = "Remove";
      remove.ariaLabel = `Remove protected part ${place + 1} of camera ${this.number}`;
      remove.onclick = () => this.#protect(this.#parts.filter((_, other) => other !== place));
      row.append(`Protected: ${percent(part)}`, remove);
      return row;
    });
    if (masks) rows.push(Object.assign(document.createElement("li"), { textContent: "Protected: a mask picture" }));
    this.#find(".parts").replaceChildren(...rows);
  }
}
