// Faults: those that are in the lab, and a form that the server describes for each kind that can be put in.

import { button, clock, counted, element } from "./dom.js";
import { noticePlace, showReply } from "./notices.js";

const PLACEHOLDERS = { texts: "several with blanks" };

export class FaultsView {
  #place;
  #count;
  #request;
  #list = element("ul", { class: "faults" });
  #summary = element("p", { class: "soft", role: "status" });
  #notice = noticePlace();
  #healAll;
  #kinds = [];
  #names = { node: [], nodes: [], network: [] };
  #kind = element("select", { id: "fault-kind", name: "kind" });
  #about = element("p", { class: "soft", id: "fault-about" });
  #fields = element("div", { class: "fields" });
  #form;
  #canHealUnseen = false;

  constructor(place, count, request) {
    this.#place = place;
    this.#count = count;
    this.#request = request;
    this.#healAll = button("Heal all", () => this.#heal(null, this.#healAll));
    this.#kind.addEventListener("change", () => this.#showKind());
    this.#kind.setAttribute("aria-describedby", "fault-about");
    this.#form = element(
      "form",
      { class: "fault-form", "aria-label": "Put a fault in", on: { submit: (event) => this.#inject(event) } },
      element("h3", {}, "Break something"),
      element("div", { class: "field" }, element("label", { for: "fault-kind" }, "Fault"), this.#kind, this.#about),
      this.#fields,
      element("button", { type: "submit", class: "danger" }, "Put the fault in"),
    );
    place.append(
      element("div", { class: "panel-head" }, this.#summary, this.#healAll),
      this.#notice,
      element("div", { class: "scroll" }, this.#list, this.#form),
    );
  }

  hello({ can }) {
    this.#form.hidden = !can.faults;
    this.#canHealUnseen = can.lesson; // what a lesson broke is not told, but may be healed
  }

  /** Offer these nodes and networks where a field asks for one. */
  showPicture({ nodes, networks }) {
    const names = nodes.map(({ name }) => name);
    this.#names = { node: names, nodes: names, network: networks.map(({ name }) => name) };
    this.#showKind();
  }

  show({ faults, kinds }) {
    this.#list.replaceChildren(...faults.map((fault) => this.#fault(fault)));
    const none = this.#canHealUnseen ? "You have put no fault in." : "No fault is in the lab.";
    this.#summary.textContent = faults.length ? `${counted(faults.length, "fault")} in the lab` : none;
    this.#healAll.disabled = !faults.length && !this.#canHealUnseen;
    this.#count.textContent = faults.length || "";
    this.#count.className = "count bad";
    if (!kinds || JSON.stringify(kinds) === JSON.stringify(this.#kinds)) return;
    this.#kinds = kinds;
    this.#kind.replaceChildren(...kinds.map(({ kind }) => element("option", { value: kind }, kind)));
    this.#showKind();
  }

  #fault({ id, words, sentence, since, by }) {
    const heal = button("Heal", () => this.#heal(id, heal), { "aria-label": `Heal ${id}` });
    return element(
      "li",
      { class: "fault" },
      element("div", {}, element("code", {}, words), element("p", {}, sentence ?? ""), element("p", { class: "soft" }, `since ${clock(since)}${by ? `, by ${by}` : ""}`)),
      heal,
    );
  }

  #showKind() {
    const kind = this.#kinds.find(({ kind }) => kind === this.#kind.value);
    this.#about.textContent = kind?.summary ?? "";
    this.#fields.replaceChildren(...(kind?.form ?? []).map((asked) => field(asked, asked.choices ?? this.#names[asked.type] ?? [])));
  }

  async #inject(event) {
    event.preventDefault();
    const submit = this.#form.querySelector("[type=submit]");
    const kind = this.#kinds.find(({ kind }) => kind === this.#kind.value);
    const words = kind.form.flatMap(({ name, type }) => wordsOf(type, valueOf(this.#fields, name)));
    submit.disabled = true;
    showReply(this.#notice, await this.#request("inject", { words: [kind.kind, ...words] }));
    submit.disabled = false;
  }

  async #heal(fault, pressed) {
    pressed.disabled = true;
    const reply = await this.#request("heal", { fault });
    showReply(this.#notice, reply);
    pressed.disabled = pressed === this.#healAll && !this.#list.childElementCount && !this.#canHealUnseen;
    if (!pressed.isConnected) this.#kind.focus();
  }
}

function field({ name, type, optional, label, placeholder }, choices) {
  const words = `${label ?? name}${optional ? " (optional)" : ""}`;
  const id = `fault-${name}`;
  if (type === "nodes") return group(name, words, choices);
  const input = choices.length
    ? element("select", { id, name }, optional ? element("option", { value: "" }, "any") : null, ...choices.map((choice) => element("option", { value: choice }, choice)))
    : element("input", { id, name, type: type === "number" ? "number" : "text", placeholder: placeholder ?? PLACEHOLDERS[type], required: !optional, autocomplete: "off", spellcheck: "false" });
  return element("div", { class: "field" }, element("label", { for: id }, words), input);
}

function group(name, words, choices) {
  const tick = (choice) => element("label", { class: "chip" }, element("input", { type: "checkbox", name, value: choice }), choice);
  return element("fieldset", { class: "field" }, element("legend", {}, words), element("div", { class: "chips" }, ...choices.map(tick)));
}

// A field of several texts is as many words, with blanks between them.
function wordsOf(type, value) {
  return type === "texts" ? value.split(/\s+/).filter(Boolean) : [value].filter(Boolean);
}

function valueOf(fields, name) {
  const inputs = [...fields.querySelectorAll("input, select")].filter((input) => input.name === name);
  if (inputs[0]?.type !== "checkbox") return inputs[0]?.value.trim() ?? "";
  return inputs.filter((input) => input.checked).map((input) => input.value).join(",");
}
