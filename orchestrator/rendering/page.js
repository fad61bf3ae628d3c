// Steps through the messages of a story: marks one in the diagram, in the list and in the picture of the lab.
// Without this script everything on the page is there all the same, but for the buttons.
"use strict";
document.documentElement.classList.add("scripted");

// What is wider than the window says so, and its edge fades while there is more to the right.
document.querySelectorAll(".scroll").forEach((box) => {
  const hint = box.parentElement.querySelector(".sideways");
  const look = () => {
    const hidden = box.scrollWidth - box.clientWidth;
    box.classList.toggle("cut", hidden - box.scrollLeft > 2);
    hint.classList.toggle("shown", hidden > 2);
  };
  box.addEventListener("scroll", look, { passive: true });
  new ResizeObserver(look).observe(box);
  look();
});

document.querySelectorAll("section.story").forEach((section) => {
  const entries = [...section.querySelectorAll("ol.messages a")];
  const steps = section.querySelector(".steps");
  if (!steps || !entries.length) return;
  const diagram = section.querySelector(".scroll.figure");
  const heads = section.querySelector(".heads");
  const output = steps.querySelector("output");
  const buttons = [...steps.querySelectorAll("button")];
  let now = -1;

  const intoView = (message) => {
    const outer = diagram.getBoundingClientRect(), inner = message.getBoundingClientRect();
    const top = steps.offsetHeight + heads.offsetHeight;
    diagram.scrollBy({ left: inner.left - outer.left - (outer.width - inner.width) / 2 });
    window.scrollBy({ top: inner.top - top - (window.innerHeight - top - inner.height) / 2 });
  };

  const show = (place) => {
    now = Math.max(0, Math.min(entries.length - 1, place));
    section.classList.add("stepping");
    section.querySelectorAll(".sequence g.now").forEach((message) => message.classList.remove("now"));
    entries.forEach((entry) => entry.removeAttribute("aria-current"));
    const entry = entries[now], message = document.getElementById(entry.hash.slice(1));
    entry.setAttribute("aria-current", "step");
    if (message) {
      message.classList.add("now");
      intoView(message);
    }
    const ends = [entry.dataset.source, entry.dataset.target];
    document.querySelectorAll(".topology .machine").forEach((machine) =>
      machine.classList.toggle("now", ends.includes(machine.dataset.node)));
    output.textContent = `${now + 1} of ${entries.length}: ${entry.textContent.trim()}`;
    buttons.forEach((button) => {
      const back = button.value === "first" || button.value === "back";
      button.setAttribute("aria-disabled", String(now === (back ? 0 : entries.length - 1)));
    });
  };

  const go = { first: () => 0, back: () => now - 1, next: () => now + 1, last: () => entries.length - 1 };
  const keys = { ArrowLeft: "back", ArrowRight: "next", Home: "first", End: "last" };
  const press = (event) => {
    if (!(event.key in keys) || event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    show(go[keys[event.key]]());
  };
  buttons.forEach((button) => button.addEventListener("click", () => show(go[button.value]())));
  entries.forEach((entry, place) => entry.addEventListener("click", (event) => { event.preventDefault(); show(place); }));
  [steps, section.querySelector("ol.messages")].forEach((part) => part.addEventListener("keydown", press));
  // The arrows work at once, wherever the focus is, unless they scroll the part that has it.
  document.addEventListener("keydown", (event) => {
    const arrow = event.key === "ArrowLeft" || event.key === "ArrowRight";
    if (arrow && !event.target.closest(".scroll, pre, input, textarea, select")) press(event);
  });
  diagram.addEventListener("scroll", () => { heads.scrollLeft = diagram.scrollLeft; }, { passive: true });
  steps.hidden = false;
  heads.hidden = false;
  const place = () => {
    heads.style.top = `${steps.offsetHeight}px`;
    heads.style.marginBottom = `-${heads.offsetHeight}px`;
  };
  [steps, heads].forEach((part) => new ResizeObserver(place).observe(part));
  place();
});
