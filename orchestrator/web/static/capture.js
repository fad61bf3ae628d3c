// Recording of packets: on, off, and the file.

import { button, element } from "./dom.js";
import { noticePlace, showReply } from "./notices.js";

const UNITS = ["bytes", "kB", "MB", "GB"];

export class CaptureView {
  #place;
  #request;
  #state = element("span", { class: "soft" });
  #notice = noticePlace();
  #download = element("a", { href: "/capture.pcapng", download: true, hidden: true }, "Download");
  #button;
  #on = false;

  constructor(place, request) {
    this.#place = place;
    this.#request = request;
    this.#button = button("Record", () => this.#toggle(), { class: "record", "aria-pressed": "false" });
    place.append(this.#button, this.#state, this.#download, this.#notice);
  }

  hello({ can }) {
    this.#place.hidden = !can.capture;
  }

  show({ on, bytes }) {
    this.#on = on;
    this.#button.setAttribute("aria-pressed", String(on));
    this.#button.textContent = on ? "Stop recording" : "Record packets";
    this.#state.textContent = bytes ? size(bytes) : "";
    this.#download.hidden = !bytes;
  }

  async #toggle() {
    this.#button.disabled = true;
    showReply(this.#notice, await this.#request("capture", { on: !this.#on }));
    this.#button.disabled = false;
  }
}

function size(bytes) {
  const power = Math.min(UNITS.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
  const number = bytes / 1000 ** power;
  return `${power && number < 10 ? number.toFixed(1) : Math.round(number)} ${UNITS[power]}`;
}
