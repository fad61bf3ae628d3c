// The checks of the scenario, each with its verdict, its evidence, and the walk that says why it does not hold.

import { button, counted, element } from "./dom.js";
import { noticePlace, showReply } from "./notices.js";

const WORDS = { pass: "pass", fail: "fail", unknown: "unknown" };
const LAYERS = { ok: "holds", broken: "broken", unasked: "not asked", unknown: "unknown" };

export class ChecksView {
  #request;
  #count;
  #list = element("ol", { class: "checks" });
  #summary = element("p", { class: "soft", role: "status" });
  #notice = noticePlace();
  #all;
  #open = new Map();

  constructor(place, count, request) {
    this.#request = request;
    this.#count = count;
    this.#all = button("Run all", () => this.#run(null, this.#all), { class: "primary" });
    place.append(
      element("div", { class: "panel-head" }, this.#summary, this.#all),
      this.#notice,
      element("div", { class: "scroll" }, this.#list),
    );
  }

  show({ checks }) {
    const focused = document.activeElement?.closest?.(".check")?.dataset.number;
    const onButton = document.activeElement?.tagName === "BUTTON";
    this.#list.replaceChildren(...checks.map((check) => this.#check(check)));
    const kept = focused && this.#list.querySelector(`[data-number="${Number(focused)}"] ${onButton ? "button.run" : "summary"}`);
    kept?.focus();
    const of = (verdict) => checks.filter((check) => check.verdict === verdict).length;
    const running = checks.some((check) => check.running);
    const parts = Object.keys(WORDS).filter(of).map((verdict) => `${of(verdict)} ${verdict}`);
    this.#summary.textContent = running ? "Running…" : parts.join(", ") || `${counted(checks.length, "check")}, none has run yet`;
    this.#all.disabled = running;
    const bad = of("fail") + of("unknown");
    this.#count.textContent = bad ? String(bad) : "";
    this.#count.className = `count ${of("fail") ? "bad" : "doubt"}`;
    this.#count.setAttribute("aria-label", bad ? `, ${bad} do not hold` : "");
  }

  #check(check) {
    const verdict = check.running ? "running" : check.verdict ?? "none";
    const label = { running: "running", none: "not run" }[verdict] ?? WORDS[verdict];
    const run = button(check.running ? "Running…" : "Run", () => this.#run(check.number, run), {
      class: "run quiet", disabled: check.running, "aria-label": `Run: ${check.label}`,
    });
    const shown = this.#open.get(check.number) ?? false;
    const cause = check.why && !check.running ? element("span", { class: "cause" }, check.why.sentence) : null;
    const details = element(
      "details",
      { open: shown },
      element("summary", {}, element("span", { class: `verdict ${verdict}` }, label), element("span", { class: "label" }, check.label), cause),
      facts(check),
      check.why ? walk(check.why) : null,
    );
    details.addEventListener("toggle", () => this.#open.set(check.number, details.open));
    return element("li", { class: `check ${verdict}`, "data-number": check.number }, details, run);
  }

  async #run(number, pressed) {
    pressed.disabled = true;
    showReply(this.#notice, await this.#request("check", { number }));
    pressed.disabled = false;
  }
}

function facts({ expected, actual, evidence, verdict }) {
  const rows = [["Expected", expected], ["Seen", verdict ? actual : ""]].filter(([, text]) => text);
  return element(
    "dl",
    { class: "facts" },
    ...rows.map(([term, text]) => element("div", {}, element("dt", {}, term), element("dd", {}, text))),
    evidence?.length ? element("div", {}, element("dt", {}, "Evidence"), element("dd", {}, element("ul", {}, ...evidence.map((text) => element("li", {}, text))))) : null,
  );
}

function walk({ layers }) {
  return element(
    "div",
    { class: "why" },
    element("h3", {}, "Why, layer by layer"),
    element("ol", { class: "walk" }, ...layers.map(layerItem)),
  );
}

function layerItem({ layer, state, text, try: advice }) {
  return element(
    "li",
    { class: state },
    element("span", { class: "layer" }, layer, element("span", { class: "state" }, LAYERS[state] ?? state)),
    element("span", { class: "said" }, text, advice ? element("span", { class: "advice" }, "Try: ", element("code", {}, advice)) : null),
  );
}
