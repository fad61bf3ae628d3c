// The socket of the page: requests with their replies, and a new connection when the old one is lost.

const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 8000;
const PING_EVERY = 20_000;
const ANSWER_WITHIN = 10_000;
const LOST = { ok: false, error: "The connection was lost before the answer came.", why: "", try: "" };

/** Calls `onMessage` for each message of the server, and `onState` with "open", "lost" or "trying". */
export class Connection {
  #url;
  #onMessage;
  #onState;
  #socket = null;
  #number = 0;
  #waiting = new Map();
  #pause = FIRST_PAUSE;
  #retry = 0;
  #ping = 0;
  #failures = 0;

  constructor(url, { onMessage, onState }) {
    this.#url = url;
    this.#onMessage = onMessage;
    this.#onState = onState;
    window.addEventListener("online", () => this.retry());
  }

  /** Connect; after a loss, connect again and again. */
  open() {
    clearTimeout(this.#retry);
    const socket = new WebSocket(this.#url);
    this.#socket = socket;
    socket.addEventListener("open", () => this.#opened());
    socket.addEventListener("message", (event) => this.#received(JSON.parse(event.data)));
    socket.addEventListener("close", () => socket === this.#socket && this.#closed());
  }

  /** Connect now, and do not wait for the next try. */
  retry() {
    if (this.#socket === null) this.open();
  }

  /** Ask the server to do something. Resolves with its reply, also where it refused. */
  request(what, fields = {}) {
    if (this.#socket?.readyState !== WebSocket.OPEN) return Promise.resolve(LOST);
    const id = ++this.#number;
    const answer = new Promise((resolve) => this.#waiting.set(id, resolve));
    this.#socket.send(JSON.stringify({ id, do: what, ...fields }));
    return answer;
  }

  #opened() {
    this.#pause = FIRST_PAUSE;
    this.#failures = 0;
    this.#onState("open", 0, 0);
    this.#ping = setInterval(() => this.#check(), PING_EVERY);
  }

  // A connection can be dead without having been closed: after sleep, or behind a proxy.
  async #check() {
    const socket = this.#socket;
    const late = new Promise((resolve) => setTimeout(resolve, ANSWER_WITHIN, null));
    if ((await Promise.race([this.request("ping"), late])) === null) socket?.close();
  }

  #received(message) {
    if (message.type !== "reply") return this.#onMessage(message);
    this.#waiting.get(message.id)?.(message);
    return this.#waiting.delete(message.id);
  }

  #closed() {
    clearInterval(this.#ping);
    this.#socket = null;
    for (const resolve of this.#waiting.values()) resolve(LOST);
    this.#waiting.clear();
    this.#failures += 1;
    this.#onState("lost", this.#pause, this.#failures);
    this.#retry = setTimeout(() => this.open(), this.#pause);
    this.#pause = Math.min(this.#pause * 2, LONGEST_PAUSE);
  }
}
