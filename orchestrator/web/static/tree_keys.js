// A tree by mouse and by keyboard, as the ARIA practices describe it: one tab stop, arrows move, fold and unfold.

export class TreeKeys {
  #tree;
  #onOpen;

  constructor(tree, onOpen) {
    this.#tree = tree;
    this.#onOpen = onOpen;
    tree.addEventListener("click", (event) => this.#clicked(event));
    tree.addEventListener("keydown", (event) => this.#pressed(event));
  }

  #clicked(event) {
    const item = event.target.closest("[role=treeitem]");
    if (!item || window.getSelection()?.toString()) return;
    this.#focus(item);
    if (event.target.closest(".twist") && item.hasAttribute("aria-expanded")) fold(item, isOpen(item));
    else this.#onOpen(item);
  }

  #pressed(event) {
    const item = event.target.closest("[role=treeitem]");
    if (!item || event.ctrlKey || event.altKey || event.metaKey) return;
    const next = this.#target(event.key, item);
    if (next === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    if (next) this.#focus(next);
  }

  // Where a key leads: an item, null where it stays, undefined for a key that means nothing here.
  #target(key, item) {
    const shown = [...this.#tree.querySelectorAll("[role=treeitem]")].filter((other) => other.getClientRects().length);
    const place = shown.indexOf(item);
    switch (key) {
      case "ArrowDown": return shown[place + 1] ?? null;
      case "ArrowUp": return shown[place - 1] ?? null;
      case "Home": return shown[0];
      case "End": return shown.at(-1);
      case "ArrowRight": return this.#inward(item);
      case "ArrowLeft": return this.#outward(item);
      case "Enter": case " ": return this.#onOpen(item) ?? null;
      default: return undefined;
    }
  }

  #inward(item) {
    if (!item.hasAttribute("aria-expanded")) return null;
    if (isOpen(item)) return item.querySelector("[role=treeitem]");
    return fold(item, false);
  }

  #outward(item) {
    if (item.hasAttribute("aria-expanded") && isOpen(item)) return fold(item, true);
    return item.parentElement.closest("[role=treeitem]");
  }

  #focus(item) {
    for (const other of this.#tree.querySelectorAll('[tabindex="0"]')) other.tabIndex = -1;
    item.tabIndex = 0;
    item.focus();
  }
}

function isOpen(item) {
  return item.getAttribute("aria-expanded") === "true";
}

function fold(item, folded) {
  item.setAttribute("aria-expanded", String(!folded));
  return null;
}
