// How terminals look: their font, and their colours in light and dark.

const COLOURS = ["black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"];

/** What every terminal of the page has. */
export function terminalOptions() {
  return {
    fontFamily: "ui-monospace, 'Cascadia Mono', 'DejaVu Sans Mono', Menlo, Consolas, monospace",
    fontSize: 13, lineHeight: 1.15, scrollback: 5000, screenReaderMode: true, cursorBlink: false, theme: theme(),
    linkHandler: { activate() {}, allowNonHttpProtocols: false }, // a node's output opens no page
  };
}

/** The colours of now. */
export function theme() {
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(`--terminal-${name}`).trim();
  const named = Object.fromEntries(COLOURS.map((name) => [name, colour(name)]));
  const bright = Object.fromEntries(COLOURS.map((name) => [`bright${name[0].toUpperCase()}${name.slice(1)}`, colour(`bright-${name}`) || colour(name)]));
  return { background: colour("paper"), foreground: colour("ink"), cursor: colour("ink"), cursorAccent: colour("paper"), selectionBackground: colour("selection"), ...named, ...bright };
}
