// What happened in the lab, one line an event.

import { clock, element } from "./dom.js";

const MOST = 200;

export class JournalView {
  #list = element("ol", { class: "journal" });
  #empty = element("p", { class: "empty" }, "Nothing happened yet.");

  constructor(place) {
    place.append(this.#empty, this.#list);
  }

  clear() {
    this.#list.replaceChildren();
    this.#empty.hidden = false;
  }

  /** Add an event. `sentence` is what the server says of it; without one, its kind and its values stand there. */
  add({ event, sentence }) {
    const atEnd = isAtEnd(this.#list.parentElement);
    this.#empty.hidden = true;
    this.#list.append(
      element(
        "li",
        { class: `event ${event.event}` },
        element("time", {}, clock(event.time)),
        element("span", {}, sentence || `${event.event} ${values(event)}`),
      ),
    );
    while (this.#list.childElementCount > MOST) this.#list.firstElementChild.remove();
    if (atEnd) this.#list.parentElement.scrollTop = this.#list.parentElement.scrollHeight;
  }
}

function values(event) {
  const { schema, time, lab, run, via, event: kind, seat, ...own } = event;
  return Object.entries(own).filter(([, value]) => value !== "").map(([, value]) => String(value)).join(" ");
}

function isAtEnd(box) {
  return box.scrollHeight - box.scrollTop - box.clientHeight < 40;
}
