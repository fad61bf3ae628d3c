// A look into the terminals of a seat whose learner has agreed: what they show. Nothing can be typed here.

import "./inline_styles.js";
import { button, element } from "./dom.js";
import { noticePlace, showReply } from "./notices.js";
import { terminalOptions } from "./terminal_look.js";
import { Terminal } from "./vendor/xterm/xterm.js";

const EVERY = 1000;

/** Open a dialog with the terminals of a seat, which `ask` gives, and show there what becomes of them. */
export class Look {
  #ask;
  #place = element("div", { class: "looked" });
  #notice = noticePlace();
  #dialog;
  #terminals = [];
  #timer = 0;

  constructor(seat, ask) {
    this.#ask = ask;
    const close = button("Close", () => this.#dialog.close(), { class: "quiet" });
    const head = element("div", { class: "pane-head" }, element("h2", { id: "look-heading" }, `Terminals of ${seat}`), close);
    this.#dialog = element("dialog", { class: "look", "aria-labelledby": "look-heading" }, head, this.#notice, this.#place);
    this.#dialog.addEventListener("close", () => this.#end());
  }

  /** Show what the first reply says; then look again, and again. */
  open(reply) {
    document.body.append(this.#dialog);
    this.#dialog.showModal();
    this.#show(reply);
    this.#timer = setInterval(async () => this.#show(await this.#ask()), EVERY);
  }

  #show(reply) {
    if (!this.#dialog.open) return;
    showReply(this.#notice, reply);
    const shown = reply.ok ? reply.data.terminals : [];
    while (this.#terminals.length > shown.length) this.#terminals.pop().end();
    shown.forEach((terminal, at) => {
      const before = shown.slice(0, at).filter(({ node }) => node === terminal.node).length;
      this.#terminals[at] ??= new LookedTerminal(this.#place);
      this.#terminals[at].show(terminal, before ? `${terminal.node} ${before + 1}` : terminal.node);
    });
  }

  #end() {
    clearInterval(this.#timer);
    for (const terminal of this.#terminals) terminal.end();
    this.#dialog.remove();
  }
}

class LookedTerminal {
  #terminal = new Terminal({ ...terminalOptions(), disableStdin: true });
  #heading = element("h3");
  #screen = element("div", { class: "screen" });
  #part = element("section", {}, this.#heading, this.#screen);
  #drawn = "";

  constructor(place) {
    place.append(this.#part);
    this.#terminal.open(this.#screen);
  }

  show({ columns, rows, output }, name) {
    this.#heading.textContent = name;
    const drawn = `${columns} ${rows} ${output}`;
    if (drawn === this.#drawn) return;
    this.#drawn = drawn;
    this.#terminal.resize(columns, rows);
    this.#terminal.reset();
    this.#terminal.write(Uint8Array.from(atob(output), (char) => char.charCodeAt(0)));
  }

  end() {
    this.#terminal.dispose();
    this.#part.remove();
  }
}
