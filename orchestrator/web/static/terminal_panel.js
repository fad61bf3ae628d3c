// One terminal: xterm.js over a socket of its own.

import "./inline_styles.js";
import { button, element } from "./dom.js";
import { terminalOptions, theme } from "./terminal_look.js";
import { FitAddon } from "./vendor/xterm/addon-fit.js";
import { TypedKeys } from "./typed_keys.js";
import { Terminal } from "./vendor/xterm/xterm.js";

const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 8000;
const DARK = window.matchMedia("(prefers-color-scheme: dark)");

export class TerminalPanel {
  #token;
  #terminal;
  #fit = new FitAddon();
  #socket = null;
  #screen = element("div", { class: "screen" });
  #state = element("p", { class: "soft", role: "status" });
  #ended = false;
  #pause = FIRST_PAUSE;
  #retry = 0;
  #watch;
  #keys = new TypedKeys((message) => this.#send(message));
  #recolour = () => { this.#terminal.options.theme = theme(); };

  constructor({ id, node, name, session, token, onClose }) {
    this.node = node;
    this.session = session;
    this.#token = token;
    this.#terminal = new Terminal(terminalOptions());
    const tools = element(
      "div",
      { class: "terminal-tools" },
      this.#state,
      element("p", { class: "soft keys" }, "Shift+Tab leaves the terminal"),
      button("Copy", () => this.#copy(), { class: "quiet", "aria-label": `Copy what is selected in ${name}` }),
      button("Paste", () => this.#paste(), { class: "quiet", "aria-label": `Paste into ${name}` }),
      button("Close", onClose, { class: "quiet", "aria-label": `Close the terminal ${name}` }),
    );
    this.element = element("div", { class: "terminal", role: "tabpanel", id, "aria-labelledby": `${id}-tab`, hidden: true }, tools, this.#screen);
    this.#watch = new ResizeObserver(() => this.#resize());
  }

  /** Draw the terminal, which must be in the document by now, and connect it. */
  start() {
    this.element.hidden = false;
    this.#terminal.loadAddon(this.#fit);
    this.#terminal.open(this.#screen);
    this.#terminal.attachCustomKeyEventHandler((event) => this.#isForShell(event));
    this.#terminal.onData((text) => this.#type(new TextEncoder().encode(text)));
    this.#terminal.onBinary((text) => this.#type(Uint8Array.from(text, (char) => char.charCodeAt(0))));
    this.#terminal.onResize(({ cols, rows }) => this.#send(JSON.stringify({ resize: [cols, rows] })));
    this.#watch.observe(this.#screen);
    DARK.addEventListener("change", this.#recolour);
    this.#connect();
  }

  focus() {
    this.#terminal.focus();
  }

  /** The panel is in sight now. */
  shown() {
    this.#resize();
  }

  /** Connect now where the connection is lost. */
  reconnect() {
    clearTimeout(this.#retry);
    if (!this.#ended && this.#socket?.readyState === WebSocket.CLOSED) this.#connect();
  }

  end() {
    this.#ended = true;
    clearTimeout(this.#retry);
    this.#watch.disconnect();
    DARK.removeEventListener("change", this.#recolour);
    this.#socket?.close();
    this.#terminal.dispose();
  }

  #connect() {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const query = new URLSearchParams({ token: this.#token, session: this.session, page: this.#keys.page });
    const socket = new WebSocket(`${scheme}://${location.host}/terminal/${encodeURIComponent(this.node)}?${query}`);
    this.#socket = socket;
    socket.binaryType = "arraybuffer";
    socket.addEventListener("open", () => this.#connected());
    socket.addEventListener("message", ({ data }) => this.#received(data));
    socket.addEventListener("close", () => this.#closed());
  }

  // It may be the connection of this terminal alone, so it does not wait for the page.
  #closed() {
    if (this.#ended) return;
    this.#keys.pause();
    this.#state.textContent = "Not connected. It connects again by itself; what you type waits.";
    this.#retry = setTimeout(() => this.reconnect(), this.#pause);
    this.#pause = Math.min(this.#pause * 2, LONGEST_PAUSE);
  }

  // The server first sends what the terminal showed last, so it begins on an empty screen.
  #connected() {
    this.#pause = FIRST_PAUSE;
    this.#state.textContent = "";
    this.#terminal.reset();
    this.#resize();
    this.#send(JSON.stringify({ resize: [this.#terminal.cols, this.#terminal.rows] }));
  }

  #received(data) {
    if (typeof data !== "string") return this.#terminal.write(new Uint8Array(data));
    const { exit, error, taken } = JSON.parse(data);
    if (taken !== undefined) return this.#keys.taken(taken);
    this.#ended = true;
    this.#state.textContent = error ?? `The shell has ended with exit code ${exit}.`;
    return undefined;
  }

  #type(bytes) {
    if (!this.#ended && !this.#keys.type(bytes)) this.#state.textContent = "Not connected. What you type now is lost.";
  }

  #send(data) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(data);
  }

  #resize() {
    if (this.#screen.clientWidth && this.#screen.clientHeight) this.#fit.fit();
  }

  // Returns false for keys that the browser or the page takes.
  #isForShell(event) {
    if (event.key === "Tab" && event.shiftKey) return this.#leave(event);
    if (!event.ctrlKey || event.altKey) return true;
    const key = event.key.toLowerCase();
    if (key === "v") return false; // the browser pastes
    if (key !== "c" || !(event.shiftKey || this.#terminal.hasSelection())) return true;
    event.preventDefault();
    if (event.type === "keydown") this.#copy();
    return false;
  }

  #leave(event) {
    event.preventDefault();
    if (event.type === "keydown") document.getElementById(this.element.getAttribute("aria-labelledby")).focus();
    return false;
  }

  async #copy() {
    const text = this.#terminal.getSelection();
    if (text) await navigator.clipboard?.writeText(text);
    this.#state.textContent = text ? "Copied." : "Nothing is selected.";
    this.focus();
  }

  async #paste() {
    try {
      this.#terminal.paste(await navigator.clipboard.readText());
    } catch {
      this.#state.textContent = "The browser does not allow it; press Ctrl+V in the terminal.";
    }
    this.focus();
  }
}
