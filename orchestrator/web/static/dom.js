// Makes elements. Text is always set as text, so that nothing that a node wrote can become markup.

const SVG = "http://www.w3.org/2000/svg";

/**
 * An HTML element. `attributes` with the value null or false are left out, true is an empty attribute; `on` holds event
 * listeners. Children are elements, or texts.
 */
export function element(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

/** An SVG element. */
export function shape(tag, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), attributes, children);
}

function filled(made, { on = {}, ...attributes }, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    made.setAttribute(name, value === true ? "" : String(value));
  }
  for (const [name, listener] of Object.entries(on)) made.addEventListener(name, listener);
  made.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

/** A button that calls `press`. */
export function button(text, press, attributes = {}) {
  return element("button", { type: "button", on: { click: press }, ...attributes }, text);
}

// Made once: to make one takes longer than to draw a line of the story.
const CLOCK = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });

/** The time of day of seconds since 1970, in the zone of the reader. */
export function clock(seconds) {
  return CLOCK.format(seconds * 1000);
}

/** How many of something, in words. */
export function counted(count, noun, plural = `${noun}s`) {
  return `${count} ${count === 1 ? noun : plural}`;
}
