// What is known of the node that is selected in the picture, and what one can do with it.

import { button, element } from "./dom.js";
import { noticePlace, showReply } from "./notices.js";

const ACTS = { client: "a client", server: "a server", both: "a client and a server", none: "nothing yet" };

export class NodeCard {
  #place;
  #view;
  #request;
  #openTerminal;
  #shells = [];
  #canBreak = false;
  #name = null;

  constructor(place, view, { request, openTerminal }) {
    this.#place = place;
    this.#view = view;
    this.#request = request;
    this.#openTerminal = openTerminal;
    place.addEventListener("keydown", (event) => event.key === "Escape" && this.close());
  }

  hello({ can }) {
    this.#shells = can.shells ?? [];
    this.#canBreak = Boolean(can.faults);
  }

  /** Show a node; the one that is shown already is closed. */
  toggle(name) {
    if (this.#name === name) return this.close();
    this.#name = name;
    return this.update();
  }

  close() {
    const name = this.#name;
    this.#name = null;
    this.update();
    if (name) this.#view.focus(name);
  }

  /** Show the node's values as they are now. */
  update() {
    const node = this.#view.picture?.nodes.find((other) => other.name === this.#name);
    this.#view.mark(this.#name);
    this.#place.hidden = !node;
    if (!node) return;
    const focused = this.#place.contains(document.activeElement) ? document.activeElement.textContent : null;
    const state = this.#view.stateOf(node.name);
    const facts = [
      ["Role", node.role],
      ["State", state.state || "not shown"],
      ["Acted as", ACTS[state.acts_as] ?? state.acts_as],
      ["Addresses", node.addresses.map(({ network, address }) => `${address} (${network})`).join(", ") || "none"],
    ];
    const notice = noticePlace();
    this.#place.replaceChildren(
      element("h3", {}, node.name),
      element("dl", {}, ...facts.map(([term, text]) => element("div", {}, element("dt", {}, term), element("dd", {}, text)))),
      element("div", { class: "row" }, ...this.#actions(node, state, notice)),
      notice,
    );
    if (focused) [...this.#place.querySelectorAll("button")].find((other) => other.textContent === focused)?.focus();
  }

  #actions(node, state, notice) {
    const heal = (fault) => async () => showReply(notice, await this.#request("heal", { fault }));
    return [
      ["running", ""].includes(state.state) && this.#shells.includes(node.name) && button("Open a terminal", () => this.#openTerminal(node.name), { class: "primary" }),
      ...(this.#canBreak ? state.faults.map((fault) => button(`Heal ${fault}`, heal(fault))) : []),
      button("Close", () => this.close(), { class: "quiet" }),
    ].filter(Boolean);
  }
}
