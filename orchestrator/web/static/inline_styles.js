// Lets xterm.js style its terminals under a policy that refuses styles in the text of a page (style-src 'self').
//
// It writes rules into <style> elements, and colours into style attributes. Here the rules go into constructed
// stylesheets and the colours into the CSSOM, which the policy allows: only a script can do either.

const create = document.createElement.bind(document);

document.createElement = (tag, options) => {
  if (tag === "style") return sheetElement();
  const made = create(tag, options);
  if (tag === "span") made.setAttribute = setAttribute;
  return made;
};

// An element that stands for a stylesheet: its text is the rules, which go when it is removed.
function sheetElement() {
  const sheet = new CSSStyleSheet();
  const made = create("template");
  document.adoptedStyleSheets.push(sheet);
  Object.defineProperty(made, "textContent", { set: (rules) => sheet.replaceSync(rules) });
  made.remove = () => {
    document.adoptedStyleSheets = document.adoptedStyleSheets.filter((other) => other !== sheet);
    Element.prototype.remove.call(made);
  };
  return made;
}

function setAttribute(name, value) {
  if (name === "style") this.style.cssText = value;
  else Element.prototype.setAttribute.call(this, name, value);
}
