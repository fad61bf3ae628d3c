// What is typed into a terminal. It waits here until the server has taken it, and is sent again after a lost connection.

const MOST_WAITING = 256 * 1024;
const LARGEST = 32 * 1024; // bytes of one message

export class TypedKeys {
  page = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
  #send;
  #begin = 0; // how many bytes the server has taken
  #waiting = new Uint8Array(0); // those after them
  #connected = false;

  /** `send` passes a message on: the place of its first byte, and the bytes. */
  constructor(send) {
    this.#send = send;
  }

  /** Send what was typed, or keep it until there is a connection. Returns false where too much is kept already. */
  type(bytes) {
    if (this.#waiting.length + bytes.length > MOST_WAITING) return false;
    const place = this.#waiting.length;
    this.#waiting = joined(this.#waiting, bytes);
    if (this.#connected) this.#sendFrom(place);
    return true;
  }

  /** There is no connection now. */
  pause() {
    this.#connected = false;
  }

  /** The server has taken so many bytes; after a loss it says so first, and gets the others again. */
  taken(count) {
    this.#waiting = this.#waiting.slice(Math.max(0, count - this.#begin));
    this.#begin = Math.max(this.#begin, count);
    if (!this.#connected) this.#sendFrom(0);
    this.#connected = true;
  }

  #sendFrom(place) {
    for (let at = place; at < this.#waiting.length; at += LARGEST) {
      const head = new Uint8Array(4);
      new DataView(head.buffer).setUint32(0, this.#begin + at);
      this.#send(joined(head, this.#waiting.subarray(at, at + LARGEST)));
    }
  }
}

function joined(first, second) {
  const all = new Uint8Array(first.length + second.length);
  all.set(first);
  all.set(second, first.length);
  return all;
}
