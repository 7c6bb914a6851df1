/**
 * Making elements. Text goes in as text: nothing here, or anywhere in the page, parses HTML.
 */

/**
 * @typedef {Node | string | number | null | undefined | false} Child What is null, undefined or false is left out.
 */

/**
 * Make an element: `h("button", { type: "button", onclick: start }, "Start")`.
 *
 * Properties of the element are set as such, so listeners are functions; names with a dash, and those the element does
 * not have, become attributes. `class` and `for` go by the names that HTML has for them. An attribute that is null,
 * undefined or false is left out.
 *
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Record<string, unknown> | null} [properties]
 * @param {...(Child | Child[])} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function h(tag, properties, ...children) {
  const element = document.createElement(tag);
  assign(element, properties ?? {});
  element.append(...nodes(children));
  return element;
}

/** @param {string} iso A moment, as the API writes it. @returns {string} Such as `27 Nov 2026, 02:53`, local time. */
export function moment(iso) {
  return new Date(iso).toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "short" });
}

/**
 * The same for SVG, where all properties are attributes, but for listeners.
 *
 * @template {keyof SVGElementTagNameMap} T
 * @param {T} tag
 * @param {Record<string, unknown> | null} [properties]
 * @param {...(Child | Child[])} children
 * @returns {SVGElementTagNameMap[T]}
 */
export function s(tag, properties, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  assign(element, properties ?? {});
  element.append(...nodes(children));
  return element;
}

/**
 * Put other children in the place of those that an element has.
 *
 * @param {Element} parent
 * @param {...(Child | Child[])} children
 */
export function fill(parent, ...children) {
  parent.replaceChildren(...nodes(children));
}

/**
 * @param {Element} element
 * @param {Record<string, unknown>} properties
 */
function assign(element, properties) {
  for (const [name, value] of Object.entries(properties)) {
    if (name in element && !name.includes("-") && !(element instanceof SVGElement && !name.startsWith("on"))) {
      Object.assign(element, { [name]: value });
    } else if (value !== null && value !== undefined && value !== false) {
      element.setAttribute(name, value === true ? "" : String(value));
    }
  }
}

/**
 * @param {(Child | Child[])[]} children
 * @returns {(Node | string)[]}
 */
function nodes(children) {
  return children.flat().filter((child) => child !== null && child !== undefined && child !== false)
    .map((child) => child instanceof Node ? child : String(child));
}
