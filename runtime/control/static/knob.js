// A control that follows the line, except while somebody moves it.

export class Knob {
  #sending = false;
  #next = null;
  #held = false;

  // show(value) displays what is; send(value) orders it, and fails with an Error.
  constructor(input, { show, send, fail }) {
    this.input = input;
    this.show = show;
    this.send = send;
    this.fail = fail;
    input.addEventListener("pointerdown", () => (this.#held = true));
    addEventListener("pointerup", () => (this.#held = false));
  }

  follow(value) {
    if (!this.#held && !this.#sending) this.show(value);
  }

  // Orders at most one value at a time: of those that come meanwhile the newest.
  async set(value) {
    this.#next = { value };
    if (this.#sending) return;
    this.#sending = true;
    try {
      while (this.#next) {
        const { value } = this.#next;
        this.#next = null;
        await this.send(value);
      }
    } catch (error) {
      this.#next = null;
      this.fail(error);
    } finally {
      this.#sending = false;
    }
  }
}
