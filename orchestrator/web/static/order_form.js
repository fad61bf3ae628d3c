// Steps that a learner puts in order, by buttons: they work with a mouse, a finger and a keyboard.

import { button, element } from "./dom.js";

/** A form for a task of the kind predict; `say` gets the numbers of the steps in their order, such as "2 1 3". */
export function orderForm(task, say) {
  const list = element("ol", { class: "order" });
  const moved = element("p", { class: "visually-hidden", role: "status" });
  const items = task.choices.map((text, at) => step(text, at + 1));
  list.append(...items);
  const form = element(
    "form",
    { "aria-label": "Put the steps in order" },
    list,
    moved,
    element("button", { type: "submit", class: "primary" }, "Answer"),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    say([...list.children].map((item) => item.dataset.number).join(" "));
  });
  marked();
  return form;

  function step(text, number) {
    const item = element("li", { "data-number": number }, element("span", { class: "text" }, text));
    item.append(
      button("↑", (event) => move(item, -1, event), { class: "quiet up", "aria-label": `Earlier: ${text}` }),
      button("↓", (event) => move(item, 1, event), { class: "quiet down", "aria-label": `Later: ${text}` }),
    );
    return item;
  }

  function move(item, by, event) {
    const other = by < 0 ? item.previousElementSibling : item.nextElementSibling;
    if (!other) return;
    if (by < 0) other.before(item);
    else other.after(item);
    event.currentTarget.focus();
    marked();
    moved.textContent = `Now step ${[...list.children].indexOf(item) + 1}: ${item.querySelector(".text").textContent}`;
  }

  // At an end a button does nothing; it stays where it is, so that the focus is not lost.
  function marked() {
    for (const item of list.children) {
      item.querySelector(".up").setAttribute("aria-disabled", String(item === list.firstElementChild));
      item.querySelector(".down").setAttribute("aria-disabled", String(item === list.lastElementChild));
    }
  }
}
