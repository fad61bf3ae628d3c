// Messages that move along the connections: there when an exchange begins, and back when it ends.

import { shape } from "./dom.js";
import { pathOf } from "./picture.js";

const SECONDS = 0.75;
const BETWEEN = 160;
const MOST_WAITING = 16;
const MOST_MOVING = 24;

export class Motion {
  #view;
  #waiting = [];
  #moving = 0;
  #timer = 0;
  #still = window.matchMedia("(prefers-reduced-motion: reduce)");
  #open = new Set();

  constructor(view) {
    this.#view = view;
  }

  clear() {
    this.#waiting = [];
    this.#open.clear();
  }

  /** Show that an exchange began, or that it ended. */
  show(exchange) {
    if (!this.#view.picture || document.hidden) return;
    if (!this.#open.has(exchange.number)) this.#add(exchange, false);
    this.#open.add(exchange.number);
    if (exchange.outcome !== "open") {
      this.#open.delete(exchange.number);
      this.#add(exchange, true);
    }
  }

  // The packets of a request follow each other within a millisecond; shown one after the other, they can be followed.
  #add(exchange, back) {
    this.#waiting.push({ exchange, back });
    if (this.#waiting.length > MOST_WAITING) this.#waiting.shift();
    if (!this.#timer) this.#next();
  }

  #next() {
    const message = this.#waiting.shift();
    this.#timer = message ? setTimeout(() => this.#next(), BETWEEN) : 0;
    if (message) this.#send(message.exchange, message.back);
  }

  #send(exchange, back) {
    const { client, server, outcome, protocol } = exchange;
    const { edge, turned } = this.#view.edgeBetween(client, server);
    const kind = `${protocol.toLowerCase()} ${outcome === "failed" && back ? "failed" : ""}`;
    this.#light(edge && this.#view.edgeElement(edge), kind);
    this.#light(this.#view.elementOf(back ? client : server), "touched");
    const hops = edge ? edge.hops ?? [edge.points] : this.#shared(client, server);
    if (!hops || this.#still.matches || this.#moving >= MOST_MOVING) return;
    const path = hops.map(pathOf).join("").replaceAll(/(?!^)M/g, "L");
    this.#move(path, back !== turned, kind, back);
  }

  // Where no connection is drawn, through the network that both are on.
  #shared(client, server) {
    const { plugs: all, networks } = this.#view.picture;
    const plugs = (name) => all.filter((plug) => plug.node === name);
    for (const from of plugs(client)) {
      const to = plugs(server).find((plug) => plug.network === from.network);
      const network = networks.find((one) => one.name === from.network);
      if (!to || !network) continue;
      const lane = network.y + network.height / 2;
      const end = (plug) => [plug.x + plug.width / 2, plug.above ? plug.y : plug.y + plug.height];
      return [[end(from), [end(from)[0], lane], [end(to)[0], lane], end(to)]];
    }
    return null;
  }

  #move(path, reverse, kind, back) {
    const dot = shape("g", { class: `message ${kind} ${back ? "back" : "there"}` }, shape("circle", { r: 9, class: "halo" }), shape("circle", { r: 5 }));
    dot.style.offsetPath = `path("${path}")`;
    this.#view.moving.append(dot);
    this.#moving += 1;
    const way = reverse ? ["100%", "0%"] : ["0%", "100%"];
    const animation = dot.animate({ offsetDistance: way }, { duration: SECONDS * 1000, easing: "cubic-bezier(.45,.05,.55,.95)", fill: "both" });
    const end = () => {
      dot.remove();
      this.#moving -= 1;
    };
    animation.finished.then(end, end);
  }

  #light(drawn, kind) {
    if (!drawn) return;
    const classes = ["lit", ...kind.trim().split(" ").filter(Boolean)];
    drawn.classList.add(...classes);
    clearTimeout(drawn.lightTimer);
    drawn.lightTimer = setTimeout(() => drawn.classList.remove("lit", "touched", "failed", ...classes), 900);
  }
}
