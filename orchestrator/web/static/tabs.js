// Tabs as the ARIA practices describe them: one tab stop, arrows move, the panel follows.

/** The tabs of a tablist. `onChange` gets the selected tab. Tabs may be added and removed. */
export class Tabs {
  #list;
  #onChange;

  constructor(list, onChange = () => {}) {
    this.#list = list;
    this.#onChange = onChange;
    list.addEventListener("click", (event) => this.#clicked(event.target.closest("[role=tab]")));
    list.addEventListener("keydown", (event) => this.#pressed(event));
  }

  get all() {
    return [...this.#list.querySelectorAll("[role=tab]")];
  }

  get selected() {
    return this.all.find((tab) => tab.getAttribute("aria-selected") === "true") ?? null;
  }

  /** Show the panel of a tab, and hide the others. */
  select(chosen) {
    for (const tab of this.all) {
      tab.setAttribute("aria-selected", String(tab === chosen));
      tab.tabIndex = tab === chosen ? 0 : -1;
      const panel = document.getElementById(tab.getAttribute("aria-controls"));
      if (panel) panel.hidden = tab !== chosen;
    }
    this.#onChange(chosen);
  }

  #clicked(tab) {
    if (tab) this.select(tab);
  }

  #pressed(event) {
    const tabs = this.all;
    const place = tabs.indexOf(document.activeElement);
    const next = { ArrowRight: place + 1, ArrowLeft: place - 1, Home: 0, End: tabs.length - 1 }[event.key];
    if (next === undefined || place < 0) return;
    event.preventDefault();
    const tab = tabs[(next + tabs.length) % tabs.length];
    this.select(tab);
    tab.focus();
  }
}
