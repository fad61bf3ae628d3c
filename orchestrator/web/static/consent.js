// The boxes in which a learner of a class lets the teacher replay the lesson afterwards, and look into the terminals now.

import { element } from "./dom.js";
import { noticePlace, showReply } from "./notices.js";

const BOXES = [
  ["given", "My teacher may replay my attempts and hints after the class."],
  ["look", "My teacher may look into my terminals during the class."],
];

export class ConsentView {
  #boxes = new Map();
  #notice = noticePlace();
  #part = element("details", { class: "consent", hidden: true }, element("summary", {}, "What my teacher may see"));

  constructor(place, request) {
    for (const [name, text] of BOXES) {
      const box = element("input", { type: "checkbox" });
      this.#boxes.set(name, box);
      this.#part.append(element("label", {}, box, element("span", {}, text)));
      box.addEventListener("change", async () => {
        const given = box.checked;
        const reply = await request("consent", { [name]: given });
        showReply(this.#notice, reply);
        if (!reply.ok) box.checked = !given;
      });
    }
    this.#part.append(this.#notice);
    place.append(this.#part);
  }

  hello() {
    this.#part.hidden = true;
  }

  show(message) {
    this.#part.hidden = false;
    for (const [name, box] of this.#boxes) box.checked = Boolean(message[name]);
  }
}
