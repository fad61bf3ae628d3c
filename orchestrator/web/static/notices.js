// What the server refused, beside the control that asked for it: what happened, why, and what to try.

import { button, element } from "./dom.js";

/** A place for one notice; a screen reader reads it when it changes. */
export function noticePlace() {
  return element("div", { class: "notice", role: "status", hidden: true });
}

/** Show what a reply says, or nothing where it is well. */
export function showReply(place, reply) {
  place.replaceChildren();
  place.hidden = reply.ok;
  if (reply.ok) return;
  place.append(
    element("p", { class: "what" }, reply.error),
    reply.why ? element("p", {}, reply.why) : "",
    reply.try ? element("p", {}, "Try: ", element("code", {}, reply.try)) : "",
    button("Close", () => { place.hidden = true; }, { class: "quiet" }),
  );
}
