// The requests as they happen, each with what it caused, as a tree. A click on a line shows its packets.

import { button, clock, counted, element } from "./dom.js";
import { PacketsView } from "./packets.js";
import { TreeKeys } from "./tree_keys.js";

const OUTCOMES = { open: "not answered yet", ok: "", failed: "failed" };
const SAY_AFTER = 1200;
const REST = 100; // milliseconds between two drawings: to draw a busy story in each frame takes a whole processor

export class StoryView {
  #place;
  #tree = element("ul", { role: "tree", "aria-label": "Requests and what they caused", class: "story hide-checks" });
  #empty = element("p", { class: "empty" }, "Nothing crossed the wire yet. Run a program in a terminal of the client, such as curl, and watch it here.");
  #count = element("p", { class: "soft", id: "story-count" });
  #said = element("p", { class: "visually-hidden", role: "status" });
  #newest;
  #packets;
  #scroll;
  #lines = new Map();
  #values = new Map();
  #orphans = new Map();
  #queue = new Map();
  #drawing = 0;
  #drawnAt = -REST;
  #sayTimer = 0;
  #folded = false;
  #most = Infinity;

  constructor(place, request) {
    this.#place = place;
    this.#packets = new PacketsView(request, (number) => this.#closed(number));
    this.#newest = button("Newest ↓", () => this.#toEnd(), { class: "newest", hidden: true });
    const checks = element("input", { type: "checkbox", id: "show-checks", on: { change: () => this.#showChecks(checks.checked) } });
    const fold = button("Fold all", () => this.#foldAll(fold), { class: "quiet" });
    this.#scroll = element("div", { class: "scroll" }, this.#empty, this.#tree, this.#newest);
    this.#scroll.addEventListener("scroll", () => { if (this.#isAtEnd()) this.#newest.hidden = true; }, { passive: true });
    place.append(
      element("div", { class: "panel-head" }, this.#count, element("label", { class: "tick" }, checks, "Traffic of checks"), fold),
      this.#scroll,
      this.#packets.element,
      this.#said,
    );
    new TreeKeys(this.#tree, (item) => this.#open(item));
  }

  /** Empty the story: the server will send everything anew. What is open stays so. */
  clear() {
    this.#queue.clear();
    this.#lines.clear();
    this.#values.clear();
    this.#orphans.clear();
    this.#tree.replaceChildren();
    this.#counts();
  }

  /** Add an exchange, or show what is known of it by now. */
  add(exchange, isNew) {
    this.#queue.set(exchange.number, exchange);
    this.#drawing ||= this.#drawSoon();
    if (isNew && exchange.parent === null && !exchange.probe && exchange.outcome !== "open") this.#say(exchange);
  }

  /** The server keeps so many exchanges, and tells the packets of no others. */
  hello({ keeps }) {
    this.#most = keeps;
  }

  #drop(before) {
    for (const number of [...this.#lines.keys()].filter((number) => number < before)) {
      const line = this.#lines.get(number);
      for (const child of line.querySelectorAll(":scope > ul > li")) this.#insert(child, null);
      line.remove();
      this.#lines.delete(number);
      this.#values.delete(number);
    }
    for (const number of [...this.#queue.keys()].filter((number) => number < before)) this.#queue.delete(number);
    for (const parent of [...this.#orphans.keys()].filter((parent) => parent < before)) this.#orphans.delete(parent);
  }

  // On a quiet lab in the next frame.
  #drawSoon() {
    const rest = Math.max(0, this.#drawnAt + REST - performance.now());
    return setTimeout(() => requestAnimationFrame(() => this.#draw()), rest);
  }

  #draw() {
    this.#drawing = 0;
    this.#drawnAt = performance.now();
    const atEnd = this.#isAtEnd();
    const before = this.#lines.size;
    // Lines that would go at once are not drawn.
    const numbers = new Set([...this.#lines.keys(), ...this.#queue.keys()]);
    if (numbers.size > this.#most) this.#drop([...numbers].sort((a, b) => a - b).at(-this.#most));
    for (const exchange of this.#queue.values()) this.#put(exchange);
    this.#queue.clear();
    this.#offerToTab();
    this.#counts();
    if (atEnd) this.#scroll.scrollTop = this.#scroll.scrollHeight;
    else if (this.#lines.size > before) this.#newest.hidden = false;
  }

  // One line is reached by Tab, the others from there by arrows: the first in sight, where the last such line has gone.
  #offerToTab() {
    if (this.#tree.querySelector('[tabindex="0"]')) return;
    const lines = [...this.#tree.children];
    const first = lines.find((line) => !line.classList.contains("probe")) ?? lines[0];
    if (first) first.tabIndex = 0;
  }

  #put(exchange) {
    const known = this.#lines.get(exchange.number);
    const item = known ?? element("li", { role: "treeitem", tabindex: -1, "data-number": exchange.number, "aria-selected": "false" }, element("div", { class: "line" }));
    const last = this.#values.get(exchange.number);
    this.#values.set(exchange.number, exchange);
    this.#lines.set(exchange.number, item);
    fill(item, exchange);
    if (known && last.parent === exchange.parent) return;
    this.#insert(item, this.#lines.get(exchange.parent) ?? null);
    if (exchange.parent !== null && !this.#lines.has(exchange.parent)) this.#await(exchange.parent, item);
    if (!known) this.#adopt(exchange.number, item);
  }

  // What was heard of before its parent stands at the top until the parent comes.
  #await(parent, item) {
    this.#orphans.set(parent, [...(this.#orphans.get(parent) ?? []), item]);
  }

  #adopt(number, parent) {
    for (const item of this.#orphans.get(number) ?? []) {
      const { parent: wanted } = this.#values.get(Number(item.dataset.number)) ?? {};
      if (wanted === number) this.#insert(item, parent);
    }
    this.#orphans.delete(number);
  }

  // Below its parent, by time: exchanges may come in another order than they began.
  #insert(item, parent) {
    const list = parent ? this.#groupOf(parent) : this.#tree;
    const old = item.parentElement;
    const at = this.#values.get(Number(item.dataset.number))?.at ?? 0;
    let next = null;
    for (let other = list.lastElementChild; other; other = other.previousElementSibling) {
      if (other === item || this.#values.get(Number(other.dataset.number)).at <= at) break;
      next = other;
    }
    list.insertBefore(item, next);
    if (old && old !== list && !old.childElementCount && old !== this.#tree) {
      old.parentElement.removeAttribute("aria-expanded");
      old.remove();
    }
  }

  #groupOf(parent) {
    let group = parent.querySelector(":scope > ul");
    if (!group) {
      group = element("ul", { role: "group" });
      parent.append(group);
      parent.setAttribute("aria-expanded", String(!this.#folded));
    }
    return group;
  }

  #open(item) {
    for (const other of this.#tree.querySelectorAll('[aria-selected="true"]')) other.setAttribute("aria-selected", "false");
    item.setAttribute("aria-selected", "true");
    const exchange = this.#values.get(Number(item.dataset.number));
    this.#packets.show(exchange);
  }

  #closed(number) {
    const item = this.#lines.get(number);
    item?.setAttribute("aria-selected", "false");
    (item ?? this.#tree).focus();
  }

  #showChecks(shown) {
    this.#tree.classList.toggle("hide-checks", !shown);
    this.#counts();
  }

  #foldAll(fold) {
    this.#folded = !this.#folded;
    fold.textContent = this.#folded ? "Unfold all" : "Fold all";
    for (const item of this.#tree.querySelectorAll("[aria-expanded]")) item.setAttribute("aria-expanded", String(!this.#folded));
  }

  #counts() {
    const all = this.#tree.childElementCount;
    const probes = [...this.#tree.children].filter((item) => item.classList.contains("probe")).length;
    const hidden = this.#tree.classList.contains("hide-checks") ? probes : 0;
    const shown = all - hidden;
    this.#count.textContent = `${counted(shown, "request")}${hidden ? `, ${probes} of checks hidden` : ""}`;
    this.#empty.hidden = shown > 0;
  }

  #isAtEnd() {
    return this.#scroll.scrollHeight - this.#scroll.scrollTop - this.#scroll.clientHeight < 60;
  }

  #toEnd() {
    this.#scroll.scrollTop = this.#scroll.scrollHeight;
    this.#newest.hidden = true;
  }

  // Many requests a second would drown a listener: the last one is said when it is quiet for a moment.
  #say(exchange) {
    clearTimeout(this.#sayTimer);
    this.#sayTimer = setTimeout(() => { this.#said.textContent = sentenceOf(exchange); }, SAY_AFTER);
  }
}

function sentenceOf(exchange) {
  const outcome = OUTCOMES[exchange.outcome];
  return `${exchange.sentence}${outcome ? ` (${outcome})` : ""}`;
}

function fill(item, exchange) {
  const { outcome, protocol, probe, at, ended, client, server } = exchange;
  item.classList.toggle("probe", probe);
  item.classList.toggle("failed", outcome === "failed");
  item.classList.toggle("open", outcome === "open");
  item.dataset.parent = exchange.parent ?? "";
  item.setAttribute("aria-label", `${protocol}, ${client} to ${server}: ${sentenceOf(exchange)}`);
  const taken = ended === null ? "" : duration(ended - at);
  item.firstElementChild.replaceChildren(
    element("span", { class: "twist", "aria-hidden": "true" }),
    element("span", { class: `protocol ${protocol.toLowerCase()}` }, protocol),
    element("span", { class: "sentence" }, exchange.sentence, outcome === "ok" ? "" : element("em", { class: outcome }, OUTCOMES[outcome])),
    element("span", { class: "when" }, element("time", {}, clock(at)), element("span", { class: "taken" }, taken)),
  );
}

function duration(seconds) {
  if (seconds < 0.0001) return "< 0.1 ms";
  return seconds < 1 ? `${(seconds * 1000).toFixed(seconds < 0.01 ? 1 : 0)} ms` : `${seconds.toFixed(1)} s`;
}
