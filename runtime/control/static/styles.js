// The picker: one style, or two and their shares; uploads.

import { Knob } from "./knob.js";
import { showShare } from "./look.js";

const MOST_BYTES = 20_000_000;

export class Styles {
  #shelf = [];
  #used = [];
  #knob;
  #picker = document.getElementById("styles");
  #second = document.getElementById("second");
  #mix = document.getElementById("mix");
  #remove = document.getElementById("remove");

  constructor({ change, tell, fail }) {
    this.tell = tell;
    this.fail = fail;
    this.#knob = new Knob(this.#mix, {
      show: (used) => this.#show(used),
      send: (styles) => change({ styles }),
      fail,
    });
    this.#picker.addEventListener("change", () => this.#choose());
    this.#second.addEventListener("change", () => this.#choose());
    this.#mix.addEventListener("input", () => {
      showShare(this.#mix, this.#mix.value / 100);
      this.#choose();
    });
    this.#remove.addEventListener("click", () => this.#take());
    const upload = document.getElementById("upload");
    upload.addEventListener("change", async () => {
      for (const file of upload.files) await this.#upload(file);
      upload.value = "";
    });
  }

  async load() {
    const answer = await fetch("/api/v1/styles");
    if (!answer.ok) return;
    this.#shelf = await answer.json();
    this.#picker.replaceChildren(...this.#shelf.map(choice));
    const nothing = new Option("nothing", "");
    this.#second.replaceChildren(nothing, ...this.#shelf.map((one) => new Option(one.title, one.key)));
    this.#show(this.#used);
  }

  follow(used) {
    const known = new Set(this.#shelf.map((one) => one.key));
    if (this.#shelf.length && used.some(({ style }) => !known.has(style))) this.#loadOnce(used);
    this.#knob.follow(used);
  }

  #loadedFor = "";

  #loadOnce(used) {
    const text = JSON.stringify(used); // a style that stays unknown is not asked for again
    if (this.#loadedFor === text) return;
    this.#loadedFor = text;
    this.load().catch(this.fail);
  }

  #show(used) {
    this.#used = used;
    const [first, second] = used;
    for (const radio of this.#picker.querySelectorAll("input")) {
      radio.checked = radio.value === first?.style;
    }
    this.#second.value = second?.style ?? "";
    this.#showMix(second ? second.weight : 0.5);
    const shown = this.#shelf.find((one) => one.key === first?.style);
    this.#remove.hidden = !shown?.uploaded;
  }

  #showMix(share) {
    document.getElementById("mix-row").hidden = !this.#second.value;
    showShare(this.#mix, share);
  }

  #choose() {
    const first = this.#picker.querySelector("input:checked")?.value;
    if (!first) return;
    const second = this.#second.value;
    const share = this.#mix.value / 100;
    const styles = [{ style: first, weight: second ? 1 - share : 1 }];
    if (second) styles.push({ style: second, weight: share });
    this.#show(styles);
    this.#knob.set(styles);
  }

  async #upload(file) {
    if (file.size > MOST_BYTES) {
      this.fail(new Error(`${file.name}: has more than ${MOST_BYTES / 1e6} MB, choose a smaller picture`));
      return;
    }
    const address = `/api/v1/styles?title=${encodeURIComponent(file.name.slice(-200))}`;
    try {
      const headers = { "content-type": file.type || "application/octet-stream" };
      const answer = await fetch(address, { method: "POST", body: file, headers });
      const found = await answer.json();
      if (!answer.ok) throw new Error(found.error);
      await this.load();
      this.#picker.querySelector(`input[value="${CSS.escape(found.key)}"]`).click();
      this.tell(`${found.title} is on the shelf`);
    } catch (error) {
      this.fail(error);
    }
  }

  async #take() {
    const key = this.#used[0]?.style;
    const rest = this.#shelf.find((one) => !one.uploaded);
    if (!key || !confirm("Remove this picture from the shelf?")) return;
    this.#picker.querySelector(`input[value="${CSS.escape(rest.key)}"]`).click();
    await fetch(`/api/v1/styles/${key}`, { method: "DELETE" });
    await this.load();
  }
}

function choice({ key, title, thumbnail }) {
  const label = document.createElement("label");
  const radio = Object.assign(document.createElement("input"), {
    type: "radio",
    name: "style",
    value: key,
  });
  const picture = Object.assign(new Image(), { src: thumbnail, alt: "", width: 88, height: 88 });
  const text = Object.assign(document.createElement("span"), { textContent: title });
  label.append(radio, picture, text);
  return label;
}
