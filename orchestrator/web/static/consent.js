// The box in which a learner of a class lets the teacher replay the lesson afterwards.

import { element } from "./dom.js";
import { noticePlace, showReply } from "./notices.js";

export class ConsentView {
  #box = element("input", { type: "checkbox" });
  #notice = noticePlace();
  #part = element("div", { class: "consent", hidden: true }, element("label", {}, this.#box, element("span", {}, "My teacher may replay my attempts and hints after the class.")), this.#notice);

  constructor(place, request) {
    place.append(this.#part);
    this.#box.addEventListener("change", async () => {
      const given = this.#box.checked;
      const reply = await request("consent", { given });
      showReply(this.#notice, reply);
      if (!reply.ok) this.#box.checked = !given;
    });
  }

  hello() {
    this.#part.hidden = true;
  }

  show({ given }) {
    this.#part.hidden = false;
    this.#box.checked = given;
  }
}
