// The live picture of one camera: asks for the next one when it has room for it.

import { socketAddress } from "./connection.js";

const RETRY_MS = 1000;
const HEAD_BYTES = 8; // place and frame number

export class Pictures {
  #socket = null;
  #asked = false;
  #number;
  #wish;
  #show;
  #complain;
  #drawing = false;
  #latest = null;

  // wish() gives {view, width}; show(bitmap, view) draws and keeps it; complain(text) tells.
  constructor(number, { wish, show, complain }) {
    this.#number = number;
    this.#wish = wish;
    this.#show = show;
    this.#complain = complain;
    document.addEventListener("visibilitychange", () => this.#ask());
  }

  open() {
    this.close();
    const socket = new WebSocket(socketAddress(`/api/v1/cameras/${this.#number}/pictures`));
    socket.binaryType = "arraybuffer";
    socket.onopen = () => this.#ask();
    socket.onmessage = ({ data }) => {
      if (typeof data === "string") return; // nothing new came from the camera
      const view = this.#asked;
      this.#asked = false;
      this.#ask(); // before drawing: the way there and back takes its time too
      this.#latest = { data, view };
      this.#draw();
    };
    socket.onclose = ({ reason }) => {
      if (socket !== this.#socket) return;
      this.#complain(reason);
      this.#socket = null;
      setTimeout(() => this.#socket === null && this.#retry?.(), RETRY_MS);
    };
    this.#socket = socket;
    this.#asked = false;
    this.#retry = () => this.open();
  }

  close() {
    const socket = this.#socket;
    this.#socket = null;
    this.#retry = null;
    socket?.close();
  }

  #retry = null;

  #ask() {
    if (this.#asked || document.hidden || this.#socket?.readyState !== WebSocket.OPEN) return;
    const wish = this.#wish();
    this.#asked = wish.view;
    this.#socket.send(JSON.stringify(wish));
  }

  async #draw() {
    if (this.#drawing) return;
    this.#drawing = true;
    while (this.#latest) {
      const { data, view } = this.#latest;
      this.#latest = null;
      const jpeg = new Blob([new Uint8Array(data, HEAD_BYTES)], { type: "image/jpeg" });
      try {
        this.#show(await createImageBitmap(jpeg), view);
      } catch {
        this.#complain("A picture came damaged.");
      }
    }
    this.#drawing = false;
  }
}
