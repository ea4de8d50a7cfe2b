// Making elements.  Text only ever becomes text: nothing that comes from the
// gateway is read as HTML.

/**
 * A new element.
 *
 * @param {string} tag
 * @param {Object} traits attributes; also `class`, `dataset`, and `on` for listeners.
 *   An attribute that is null, undefined or false is left out.
 * @param {...(Node|string|number|null|Array)} children
 */
export function h(tag, traits = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(traits)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "class") element.className = value;
    else if (name === "dataset") Object.assign(element.dataset, value);
    else if (name === "on") {
      for (const [event, listener] of Object.entries(value)) {
        element.addEventListener(event, listener);
      }
    } else element.setAttribute(name, value === true ? "" : String(value));
  }
  add(element, children);
  return element;
}

function add(element, children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    element.append(child instanceof Node ? child : String(child));
  }
}

/** The element of this id. */
export const at = (id) => document.getElementById(id);

/** What is chosen of the radio buttons of this name. */
export const chosen = (name) => document.querySelector(`input[name=${name}]:checked`).value;

/** Set an element's text, if it is another: a live region is not to repeat itself. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * A table.
 *
 * @param {string} caption read to those who do not see it.
 * @param {Array<{title: string, class?: string}>} columns
 * @param {Array<Array>} rows cells; the first of each is its header.
 */
export function table(caption, columns, rows, foot = null) {
  const cells = (row) =>
    row.map((cell, n) =>
      n
        ? h("td", { class: columns[n].class }, cell)
        : h("th", { scope: "row", class: columns[n].class }, cell),
    );
  return h(
    "table",
    {},
    h("caption", { class: "hidden" }, caption),
    h(
      "thead",
      {},
      h(
        "tr",
        {},
        columns.map((c) => h("th", { scope: "col", class: c.class }, c.title)),
      ),
    ),
    h("tbody", {}, rows.map((row) => h("tr", {}, cells(row)))),
    foot && h("tfoot", {}, h("tr", {}, cells(foot))),
  );
}

/** Replace what is in *place*, unless it is what *key* stands for already, or is being copied. */
export function fill(place, key, make) {
  const { isCollapsed, anchorNode } = getSelection();
  if (place.dataset.key === key || (!isCollapsed && place.contains(anchorNode))) return;
  place.dataset.key = key;
  place.replaceChildren(...[make()].flat());
}
