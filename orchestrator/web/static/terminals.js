// Terminals to nodes, several in tabs. They come back after a reload: the server keeps them.

import { button, element } from "./dom.js";
import { noticePlace, showReply } from "./notices.js";
import { Tabs } from "./tabs.js";
import { TerminalPanel } from "./terminal_panel.js";

const KEPT = "wirelab-terminals";
const SILENT = "The container engine does not answer. What you type waits until it does.";

export class TerminalsView {
  #place;
  #request;
  #token;
  #list = element("div", { class: "tabs", role: "tablist", "aria-label": "Open terminals" });
  #panels = element("div", { class: "terminal-panels" });
  #node = element("select", { id: "terminal-node" });
  #opener;
  #open;
  #empty = element("p", { class: "empty" }, "Open a terminal to work on a machine of the lab.");
  #engine = element("p", { class: "engine-state", role: "status" });
  #notice = noticePlace();
  #tabs;
  #terminals = new Map();
  #restored = false;

  constructor(place, request, token) {
    this.#place = place;
    this.#request = request;
    this.#token = token;
    this.#open = button("Open", () => this.open(this.#node.value), { class: "primary" });
    this.#opener = element("div", { class: "opener" }, element("label", { for: "terminal-node", class: "visually-hidden" }, "Node of the new terminal"), this.#node, this.#open);
    this.#tabs = new Tabs(this.#list, (tab) => this.#terminals.get(tab?.id)?.shown());
    place.append(
      element("div", { class: "pane-head" }, element("h2", { id: "terminals-heading" }, "Terminals"), this.#list, this.#opener),
      this.#engine,
      this.#notice,
      this.#empty,
      this.#panels,
    );
    this.#list.hidden = true;
  }

  /** Offer the nodes that have a shell, and open the terminals that were open before a reload. */
  hello({ can }) {
    const shells = can.shells ?? [];
    const chosen = this.#node.value;
    this.#node.replaceChildren(...shells.map((name) => element("option", { value: name, selected: name === chosen }, name)));
    this.#opener.hidden = !shells.length;
    this.#place.hidden = !shells.length && !this.#terminals.size;
    if (this.#restored) return;
    this.#restored = true;
    for (const { node, session } of kept()) if (shells.includes(node)) this.#add(node, session, false);
  }

  /** Say that the engine does not answer: the shells then show nothing. */
  showEngine({ answers }) {
    this.#engine.textContent = answers ? "" : SILENT;
  }

  /** Open a terminal of a node, and give it the focus. */
  async open(node) {
    this.#open.disabled = true;
    const reply = await this.#request("open_terminal", { node });
    this.#open.disabled = false;
    showReply(this.#notice, reply);
    if (reply.ok) this.#add(node, reply.data.session, true);
  }

  /** The connection of the page is back: so are those of its terminals. */
  reconnect() {
    for (const terminal of this.#terminals.values()) terminal.reconnect();
  }

  #add(node, session, focus) {
    const id = `terminal-${session}`;
    const same = [...this.#terminals.values()].filter((terminal) => terminal.node === node).length;
    const name = same ? `${node} ${same + 1}` : node;
    const tab = element("button", { type: "button", role: "tab", id: `${id}-tab`, "aria-controls": id }, name);
    const terminal = new TerminalPanel({ id, node, name, session, token: this.#token, onClose: () => this.#close(tab.id) });
    this.#terminals.set(tab.id, terminal);
    this.#list.append(tab);
    this.#panels.append(terminal.element);
    this.#changed();
    terminal.start();
    this.#tabs.select(tab);
    if (focus) terminal.focus();
  }

  #close(id) {
    const terminal = this.#terminals.get(id);
    this.#request("close_terminal", { session: terminal.session });
    terminal.end();
    terminal.element.remove();
    this.#terminals.delete(id);
    document.getElementById(id).remove();
    const [next] = this.#tabs.all;
    if (next) this.#tabs.select(next);
    this.#changed();
    (next ?? this.#node).focus();
  }

  #changed() {
    const any = this.#terminals.size > 0;
    this.#list.hidden = !any;
    this.#empty.hidden = any;
    this.#place.classList.toggle("has-terminals", any);
    const open = [...this.#terminals.values()].map(({ node, session }) => ({ node, session }));
    sessionStorage.setItem(KEPT, JSON.stringify(open));
  }
}

function kept() {
  try {
    return JSON.parse(sessionStorage.getItem(KEPT)) ?? [];
  } catch {
    return [];
  }
}
