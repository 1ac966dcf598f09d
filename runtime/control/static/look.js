// Strength, stability and colour.

import { Knob } from "./knob.js";

export class Look {
  #knobs;

  constructor({ change, fail }) {
    this.#knobs = {
      strength: slider("strength", (value) => change({ strength: value }), fail),
      stability: slider("stability", (value) => change({ stability: value }), fail),
      keep_colour: box("keep-colour", (value) => change({ keep_colour: value }), fail),
    };
  }

  follow(settings) {
    this.#knobs.strength.follow(settings.strength);
    this.#knobs.stability.follow(settings.stability);
    this.#knobs.keep_colour.follow(settings.looks.map((look) => look.keep_colour));
  }
}

export function showShare(input, share) {
  const percents = Math.round(share * 100);
  input.value = percents;
  input.setAttribute("aria-valuetext", `${percents} percent`);
  input.parentElement.querySelector("output").textContent = `${percents} %`;
}

function slider(id, send, fail) {
  const input = document.getElementById(id);
  const knob = new Knob(input, { show: (value) => showShare(input, value), send, fail });
  input.addEventListener("input", () => {
    showShare(input, input.value / 100);
    knob.set(input.value / 100);
  });
  return knob;
}

function box(id, send, fail) {
  const input = document.getElementById(id);
  const show = (found) => {
    input.checked = found.every(Boolean);
    input.indeterminate = found.some(Boolean) && !input.checked; // cameras differ
  };
  const knob = new Knob(input, { show, send, fail });
  input.addEventListener("change", () => knob.set(input.checked));
  return knob;
}
