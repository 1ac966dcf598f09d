// What a pointer does on a picture: move the wipe or, when asked to, draw a rectangle.

const SMALLEST = 1; // percent; less is a click

export function percent({ x, y, width, height }) {
  const [left, top, wide, high] = [x, y, width, height].map((value) => Math.round(value));
  return `${wide} by ${high} % at ${left}, ${top} %`;
}

export class Drawing {
  #begin = null;
  #marks;
  #screen;
  #parts = [];

  // drawn({x, y, width, height}) in percent; wiped(share) in 0..1.
  constructor(screen, marks, { drawn, wiped }) {
    this.active = false;
    this.#screen = screen;
    this.#marks = marks;
    screen.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      event.preventDefault();
      screen.setPointerCapture(event.pointerId);
      this.#begin = this.#at(event);
      if (!this.active) wiped(this.#begin.x / 100);
    });
    screen.addEventListener("pointermove", (event) => {
      if (!this.#begin) return;
      if (this.active) this.#draw([...this.#parts, this.#between(this.#at(event))]);
      else wiped(this.#at(event).x / 100);
    });
    screen.addEventListener("pointerup", (event) => {
      const part = this.#begin && this.#between(this.#at(event));
      this.#begin = null;
      if (!this.active || !part) return;
      this.#draw(this.#parts);
      if (part.width >= SMALLEST && part.height >= SMALLEST) drawn(part);
    });
    screen.addEventListener("pointercancel", () => {
      this.#begin = null;
      this.#draw(this.#parts);
    });
  }

  set active(on) {
    this.on = on;
    this.#screen?.classList.toggle("drawing", on);
  }

  get active() {
    return this.on;
  }

  mark(parts) {
    this.#parts = parts;
    if (!this.#begin) this.#draw(parts);
  }

  #at(event) {
    const box = this.#screen.getBoundingClientRect();
    const share = (value, size) => Math.min(100, Math.max(0, (value / size) * 100));
    return {
      x: share(event.clientX - box.left, box.width),
      y: share(event.clientY - box.top, box.height),
    };
  }

  #between(end) {
    const x = Math.min(this.#begin.x, end.x);
    const y = Math.min(this.#begin.y, end.y);
    const round = (value) => Math.round(value * 10) / 10;
    // Rounded sides may not leave the frame.
    return {
      x: round(x),
      y: round(y),
      width: Math.min(round(Math.abs(end.x - this.#begin.x)), 100 - round(x)),
      height: Math.min(round(Math.abs(end.y - this.#begin.y)), 100 - round(y)),
    };
  }

  #draw(parts) {
    const boxes = parts.map((part) => {
      const box = document.createElementNS("http://www.w3.org/2000/svg", "rect");
      for (const [name, value] of Object.entries(part)) box.setAttribute(name, value);
      return box;
    });
    this.#marks.replaceChildren(...boxes);
  }
}
