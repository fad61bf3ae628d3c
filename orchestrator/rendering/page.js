// Steps through the messages of a story: marks one in the diagram, in the list and in the picture of the lab.
// Without this script everything on the page is there all the same, but for the buttons.
"use strict";
document.querySelectorAll("section.story").forEach((section) => {
  const entries = [...section.querySelectorAll("ol.messages a")];
  const steps = section.querySelector(".steps");
  if (!steps || !entries.length) return;
  const diagram = section.querySelector(".scroll");
  const told = steps.querySelector("output");
  const buttons = [...steps.querySelectorAll("button")];
  let now = -1;

  const intoView = (box, one) => {
    const outer = box.getBoundingClientRect(), inner = one.getBoundingClientRect();
    // both at once: a smooth scroll is given up where another begins
    box.scrollBy({
      top: inner.top - outer.top - (outer.height - inner.height) / 2,
      left: inner.left - outer.left - (outer.width - inner.width) / 2,
    });
  };

  const show = (place) => {
    now = Math.max(0, Math.min(entries.length - 1, place));
    section.classList.add("stepping");
    section.querySelectorAll(".sequence g.now").forEach((one) => one.classList.remove("now"));
    entries.forEach((one) => one.removeAttribute("aria-current"));
    const entry = entries[now], message = document.getElementById(entry.hash.slice(1));
    entry.setAttribute("aria-current", "step");
    intoView(entry.closest("ol"), entry);
    if (message) {
      message.classList.add("now");
      intoView(diagram, message);
    }
    const ends = [entry.dataset.source, entry.dataset.target];
    document.querySelectorAll(".topology .machine").forEach((one) =>
      one.classList.toggle("now", ends.includes(one.dataset.node)));
    told.textContent = `${now + 1} of ${entries.length}: ${entry.textContent.trim()}`;
    buttons.forEach((one) => {
      const edge = one.value === "first" || one.value === "back" ? now === 0 : now === entries.length - 1;
      one.setAttribute("aria-disabled", String(edge));
    });
  };

  const go = { first: () => 0, back: () => now - 1, next: () => now + 1, last: () => entries.length - 1 };
  const keys = { ArrowLeft: "back", ArrowRight: "next", Home: "first", End: "last" };
  buttons.forEach((one) => one.addEventListener("click", () => show(go[one.value]())));
  entries.forEach((one, place) => one.addEventListener("click", (event) => { event.preventDefault(); show(place); }));
  [steps, section.querySelector("ol.messages")].forEach((part) => part.addEventListener("keydown", (event) => {
    if (!(event.key in keys) || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    show(go[keys[event.key]]());
  }));
  steps.hidden = false;
});
