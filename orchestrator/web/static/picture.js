// The lab as a drawing: networks, nodes with their plugs, connections. The server has worked out every place.

import { element, shape } from "./dom.js";

const ROUND = 6;
const LINE = 16;
const CUT = 14; // pixels: less is only the margin of the picture
// As in page.css: all parts stand in one screen, so that the picture's height is given.
const ONE_SCREEN = window.matchMedia("(min-width: 1100px) and (min-height: 560px)");
const SMALLEST = 0.66;
const LARGEST = 1.8;
const ACTS = { client: "client", server: "server", both: "client and server", none: "" };

export class PictureView {
  #place;
  #svg = null;
  #told = null;
  #picture = null;
  #nodes = new Map();
  #states = new Map();
  #onSelect;
  #zoom = 0;
  #moving = shape("g", { class: "moving", "aria-hidden": "true" });

  constructor(place, onSelect) {
    this.#place = place;
    this.#onSelect = onSelect;
    new ResizeObserver(() => this.#resize()).observe(place);
    place.addEventListener("scroll", () => this.#shade(), { passive: true });
    const change = (id, zoom) => document.getElementById(id).addEventListener("click", () => this.#setZoom(zoom()));
    change("zoom-in", () => this.#scale() * 1.25);
    change("zoom-out", () => this.#scale() / 1.25);
    change("zoom-fit", () => Math.min(LARGEST, this.#fit()));
  }

  get picture() {
    return this.#picture;
  }

  /** Where moving messages are drawn. */
  get moving() {
    return this.#moving;
  }

  /** Draw everything anew. */
  show(picture) {
    const isFirst = this.#told === null;
    this.#told = picture;
    this.#draw(this.#fitting());
    if (isFirst) this.#scrollToTop();
  }

  // A large picture begins where its topmost node is: its corner may be empty.
  #scrollToTop() {
    const [top] = [...this.#picture.nodes].sort((one, other) => one.y - other.y || one.x - other.x);
    if (!top) return;
    const scale = this.#scale();
    const { width } = this.#room();
    const right = (top.x + top.width) * scale;
    if (right > width) this.#place.scrollLeft = right - top.width * scale / 2 - width / 2;
  }

  // The layout for a phone, where the usual one is too wide to be read there.
  #fitting() {
    const { narrow, ...wide } = this.#told;
    const isTight = this.#room().width < wide.width * SMALLEST;
    return isTight && narrow ? { ...wide, ...narrow } : wide;
  }

  #draw(picture) {
    this.#picture = picture;
    const focused = document.activeElement?.closest(".machine")?.dataset.node;
    const marked = [...this.#nodes].find(([, drawn]) => drawn.getAttribute("aria-pressed") === "true")?.[0];
    this.#nodes.clear();
    const box = `0 0 ${picture.width} ${picture.height}`;
    const nodes = picture.nodes.map((node) => this.#node(node));
    const plugs = picture.plugs.map(drawPlug);
    const networks = new Map(picture.networks.map((network) => [network.name, network]));
    const cables = picture.plugs.map((plug) => cable(plug, networks.get(plug.network)));
    this.#svg = shape(
      "svg",
      { class: "topology", viewBox: box, role: "group", "aria-label": picture.title ?? "The lab", preserveAspectRatio: "xMidYMid meet" },
      ...picture.networks.map(drawNetwork),
      ...cables,
      ...picture.edges.map(drawEdge),
      this.#moving,
      ...plugs,
      ...nodes,
    );
    this.#moving.replaceChildren();
    this.#svg.addEventListener("keydown", (event) => this.#pressed(event));
    this.#place.replaceChildren(this.#svg);
    this.#roving(focused ?? picture.nodes[0]?.name);
    this.#scaleToPlace();
    for (const state of this.#states.values()) this.#showState(state);
    this.mark(marked);
    if (focused) this.focus(focused);
  }

  /** Show the states of nodes; `names` of nodes that are not drawn are left out. */
  showStates(states) {
    this.#states = new Map(states.map((state) => [state.name, state]));
    for (const state of states) this.#showState(state);
  }

  stateOf(name) {
    return this.#states.get(name) ?? { name, state: "", acts_as: "none", faults: [] };
  }

  /** The drawn connection from a client to a server, in points, and whether it is drawn the other way round. */
  edgeBetween(client, server) {
    const find = (from, to) => this.#picture?.edges.find((edge) => edge.from === from && edge.to === to);
    const edge = find(client, server);
    return edge ? { edge, turned: false } : { edge: find(server, client), turned: true };
  }

  elementOf(name) {
    return this.#nodes.get(name);
  }

  edgeElement(edge) {
    return this.#svg?.querySelector(`[data-edge="${this.#picture.edges.indexOf(edge)}"]`);
  }

  /** Mark the node whose values are shown. */
  mark(name) {
    for (const [other, drawn] of this.#nodes) drawn.setAttribute("aria-pressed", String(other === name));
  }

  focus(name) {
    this.#nodes.get(name)?.focus();
  }

  #node(node) {
    const middle = node.x + node.width / 2;
    const top = node.y + node.height / 2 - 1.5 * LINE + 12;
    const text = (kind, at, words) => shape("text", { class: kind, x: middle, y: top + at * LINE, "text-anchor": "middle" }, words);
    const drawn = shape(
      "g",
      { class: "machine", role: "button", tabindex: -1, "aria-pressed": "false", "data-node": node.name },
      shape("rect", { class: "box", x: node.x, y: node.y, width: node.width, height: node.height, rx: 8 }),
      text("name", 0, node.name),
      text("role", 1, node.role),
      shape("rect", { class: "pill", rx: 8, height: 0 }),
      text("acts", 2, ""),
      shape("circle", { class: "lamp", cx: node.x + 11, cy: node.y + 11, r: 4 }),
      shape("g", { class: "fault-mark", transform: `translate(${node.x + node.width - 4} ${node.y + 3})` },
        shape("circle", { r: 9 }), shape("text", { "text-anchor": "middle", y: 4 }, "!")),
    );
    drawn.addEventListener("click", () => this.#select(node.name));
    this.#nodes.set(node.name, drawn);
    return drawn;
  }

  #showState(state) {
    const drawn = this.#nodes.get(state.name);
    const node = this.#picture?.nodes.find((other) => other.name === state.name);
    if (!drawn || !node) return;
    const runs = state.state === "running";
    const acts = ACTS[state.acts_as] ?? "";
    drawn.setAttribute("class", `machine ${state.state || "unshown"} acts-${state.acts_as} ${state.faults.length ? "faulty" : ""}`);
    drawn.querySelector(".role").textContent = runs || !state.state ? node.role : state.state;
    drawn.querySelector(".acts").textContent = acts || node.note || "";
    frame(drawn.querySelector(".pill"), acts ? drawn.querySelector(".acts").getBBox() : null);
    const faults = state.faults.length ? `, faults: ${state.faults.join(", ")}` : "";
    const addresses = node.addresses.map(({ address }) => address).join(", ");
    drawn.setAttribute("aria-label", `${node.name}, ${node.role}, ${state.state || "state not shown"}, ${addresses}${acts ? `, acted as ${acts}` : ""}${faults}`);
  }

  #select(name) {
    this.#roving(name);
    this.#onSelect(name);
  }

  #roving(name) {
    for (const [other, drawn] of this.#nodes) drawn.setAttribute("tabindex", other === name ? "0" : "-1");
  }

  #pressed(event) {
    const names = [...this.#nodes.keys()];
    const here = event.target.closest?.(".machine")?.dataset.node;
    if (!here) return;
    const place = names.indexOf(here);
    const next = { ArrowRight: place + 1, ArrowDown: place + 1, ArrowLeft: place - 1, ArrowUp: place - 1, Home: 0, End: names.length - 1 }[event.key];
    if (event.key === "Enter" || event.key === " ") this.#select(here);
    else if (next !== undefined) {
      const name = names[(next + names.length) % names.length];
      this.#roving(name);
      this.focus(name);
    } else return;
    event.preventDefault();
  }

  #scale() {
    return this.#svg.getBoundingClientRect().width / this.#picture.width;
  }

  #setZoom(zoom) {
    this.#zoom = Math.min(3, Math.max(0.1, zoom));
    this.#scaleToPlace();
  }

  #resize() {
    if (!this.#told) return;
    const fitting = this.#fitting();
    if (fitting.width === this.#picture.width) this.#scaleToPlace();
    else this.#draw(fitting);
  }

  #room() {
    const { paddingLeft, paddingTop } = getComputedStyle(this.#place);
    return {
      width: this.#place.clientWidth - 2 * parseFloat(paddingLeft),
      height: this.#place.clientHeight - 2 * parseFloat(paddingTop),
    };
  }

  /** The scale at which all of the picture is in sight. */
  #fit() {
    const { width, height } = this.#room();
    return Math.min(width / this.#picture.width, ONE_SCREEN.matches ? height / this.#picture.height : Infinity);
  }

  // Until somebody sets a size, words stay legible: what is then too large scrolls.
  #scaleToPlace() {
    const scale = this.#zoom || Math.min(LARGEST, Math.max(SMALLEST, this.#fit()));
    this.#svg.setAttribute("width", this.#picture.width * scale);
    this.#svg.setAttribute("height", this.#picture.height * scale);
    this.#shade();
  }

  #shade() {
    const { scrollWidth, clientWidth, scrollLeft } = this.#place;
    this.#place.classList.toggle("cut", scrollWidth - clientWidth - scrollLeft > CUT);
  }
}

// The coloured ground below what a node acted as.
function frame(pill, box) {
  const { x, y, width, height } = box ?? { x: 0, y: 0, width: 0, height: 0 };
  const values = box ? { x: x - 7, y: y - 1, width: width + 14, height: height + 2 } : { width: 0, height: 0 };
  for (const [name, value] of Object.entries(values)) pill.setAttribute(name, value);
}

/** A connection as the path of an SVG: straight parts with round corners. */
export function pathOf(points) {
  const [[x, y], ...rest] = points;
  let path = `M${x} ${y}`;
  rest.forEach((corner, at) => {
    const before = points[at];
    const after = rest[at + 1];
    if (!after) path += `L${corner[0]} ${corner[1]}`;
    else path += bend(before, corner, after);
  });
  return path;
}

function bend(before, corner, after) {
  const from = towards(corner, before);
  const to = towards(corner, after);
  return `L${from[0]} ${from[1]}Q${corner[0]} ${corner[1]} ${to[0]} ${to[1]}`;
}

function towards([x, y], [toX, toY]) {
  const length = Math.hypot(toX - x, toY - y);
  const part = length ? Math.min(ROUND, length / 2) / length : 0;
  return [x + (toX - x) * part, y + (toY - y) * part];
}

function drawNetwork(network) {
  const titles = network.titles ?? [network.name, network.subnet];
  const top = network.y + network.height / 2 - (titles.length * LINE) / 2 + 12;
  return shape(
    "g",
    { class: "network", "data-network": network.name },
    shape("rect", { class: "segment", x: network.x, y: network.y, width: network.width, height: network.height, rx: 10 }),
    ...titles.map((title, at) => shape("text", { class: at ? "range" : "name", x: network.x + 12, y: top + at * LINE }, title)),
  );
}

function cable(plug, network) {
  if (!network) return shape("g");
  const middle = plug.x + plug.width / 2;
  const half = Math.max(8, plug.width / 2 - 6);
  const [start, end] = plug.above
    ? [plug.y, network.y + network.height - 2]
    : [plug.y + plug.height, network.y + 2];
  return shape("path", { class: "cable", d: `M${middle - half} ${start}V${end}H${middle + half}V${start}` });
}

function drawPlug(plug) {
  const middle = plug.x + plug.width / 2;
  return shape(
    "g",
    { class: "plug", "data-node": plug.node },
    shape("rect", { x: plug.x, y: plug.y, width: plug.width, height: plug.height, rx: 4 }),
    ...plug.addresses.map((address, at) => shape("text", { x: middle, y: plug.y + 12 + at * 14, "text-anchor": "middle" }, address)),
  );
}

function drawEdge(edge, number) {
  const hops = edge.hops ?? [edge.points];
  const [tip, before] = (hops.at(-1) ?? []).slice(-2).reverse();
  const head = tip && before ? arrowHead(before, tip) : null;
  return shape(
    "g",
    { class: `edge ${edge.kind ?? ""}`, "data-edge": number, "data-from": edge.from, "data-to": edge.to },
    shape("title", {}, edge.sentence ?? `${edge.from} to ${edge.to}`),
    ...hops.filter((points) => points.length > 1).map((points) => shape("path", { d: pathOf(points) })),
    head,
  );
}

function arrowHead([fromX, fromY], [x, y]) {
  const angle = (Math.atan2(y - fromY, x - fromX) * 180) / Math.PI;
  return shape("path", { class: "head", d: "M0 0L-9 -4.5V4.5Z", transform: `translate(${x} ${y}) rotate(${angle})` });
}
