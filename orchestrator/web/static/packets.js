// The packets of one exchange, and the evidence for what the story says of it.

import { button, element } from "./dom.js";
import { noticePlace, showReply } from "./notices.js";

export class PacketsView {
  #request;
  #onClose;
  #number = null;

  constructor(request, onClose) {
    this.#request = request;
    this.#onClose = onClose;
    this.element = element("section", { class: "packets", "aria-label": "Packets of the selected line", tabindex: -1, hidden: true });
    this.element.addEventListener("keydown", (event) => event.key === "Escape" && this.close());
  }

  /** Ask for the packets of an exchange and show them. */
  async show(exchange) {
    this.#number = exchange.number;
    const content = element("div", { class: "packets-content", "aria-busy": "true" }, element("p", { class: "soft" }, "Reading the packets…"));
    const notice = noticePlace();
    this.element.hidden = false;
    this.element.replaceChildren(
      element("div", { class: "panel-head" }, element("h3", {}, exchange.sentence), button("Close", () => this.close(), { class: "quiet", "aria-label": "Close the packets" })),
      notice,
      content,
    );
    const reply = await this.#request("packets", { exchange: exchange.number });
    if (this.#number !== exchange.number) return;
    showReply(notice, reply);
    content.removeAttribute("aria-busy");
    content.replaceChildren(...(reply.ok ? listed(reply.data) : []));
  }

  close() {
    const number = this.#number;
    this.#number = null;
    this.element.hidden = true;
    this.#onClose(number);
  }
}

function listed({ lines, evidence }) {
  return [
    ...(evidence.length ? [element("h4", {}, "Evidence"), element("ul", { class: "evidence" }, ...evidence.map((text) => element("li", {}, text)))] : []),
    element("h4", {}, "Packets"),
    lines.length
      ? element("div", { class: "wide", tabindex: 0, role: "region", "aria-label": "Packets" }, element("ol", { class: "packet-lines" }, ...lines.map((text) => element("li", {}, text))))
      : element("p", { class: "soft" }, "They are not recorded. Press “Record packets”, and send the request again."),
  ];
}
