// The line to the server: status and events come, orders go. Lost, it is tried again.

const SILENT_MS = 5000; // the server speaks twice a second
const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 3000;

export function socketAddress(path) {
  return `${location.protocol === "https:" ? "wss:" : "ws:"}//${location.host}${path}`;
}

export class Connection extends EventTarget {
  #socket = null;
  #wait = FIRST_WAIT_MS;
  #number = 0;
  #waiting = new Map();
  #silence = 0;

  open() {
    this.#socket = new WebSocket(socketAddress("/api/v1/live"));
    this.#socket.onopen = () => {
      this.#wait = FIRST_WAIT_MS;
      this.#listen();
      this.#tell("open");
    };
    this.#socket.onmessage = (message) => {
      this.#listen();
      const found = JSON.parse(message.data);
      if (found.type === "answer") this.#settle(found);
      else this.#tell(found.type, found[found.type]);
    };
    this.#socket.onclose = (why) => this.#lost(why);
  }

  // Resolves with what the server answers, rejects with its one line.
  order(what, fields) {
    if (this.#socket?.readyState !== WebSocket.OPEN) {
      return Promise.reject(new Error("There is no connection to the line."));
    }
    const id = ++this.#number;
    this.#socket.send(JSON.stringify({ id, do: what, ...fields }));
    return new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
  }

  #settle(answer) {
    const { resolve, reject } = this.#waiting.get(answer.id) ?? {};
    this.#waiting.delete(answer.id);
    if (answer.error) reject?.(new Error(answer.error));
    else resolve?.(answer.done);
  }

  #listen() {
    clearTimeout(this.#silence);
    // A machine that was unplugged does not say goodbye.
    this.#silence = setTimeout(() => this.#socket.close(), SILENT_MS);
  }

  async #lost(why) {
    clearTimeout(this.#silence);
    for (const { reject } of this.#waiting.values()) reject(new Error("The connection was lost."));
    this.#waiting.clear();
    this.#tell("closed", why.reason || (await refusal()));
    setTimeout(() => this.open(), this.#wait);
    this.#wait = Math.min(LONGEST_WAIT_MS, this.#wait * 2);
  }

  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

// A refused WebSocket does not say why; a request does.
async function refusal() {
  try {
    const answer = await fetch("/api/v1/status", { signal: AbortSignal.timeout(2000) });
    return answer.status === 401 || answer.status === 403 ? (await answer.json()).error : "";
  } catch {
    return "";
  }
}
