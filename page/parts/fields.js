import { fill, h } from "../lib/dom.js";

/**
 * A control with its label, and a line of help. What is wrong with it is appended as `.problem`.
 *
 * @template {HTMLInputElement | HTMLSelectElement} T
 * @param {string} label
 * @param {string} help
 * @param {T} control
 */
export function field(label, help, control) {
  const element = h("label", { class: "field" }, h("span", null, label), control, help && h("small", null, help));
  return Object.assign(element, { input: control });
}

/**
 * @param {number} min
 * @param {number} max
 * @param {(value: number | null) => void} change Called with a number that is allowed, null for an empty field.
 */
export function number(min, max, change) {
  const input = h("input", {
    type: "number",
    min: String(min),
    max: String(max),
    onchange: () => input.reportValidity() && change(input.value ? input.valueAsNumber : null),
  });
  return input;
}

/**
 * Chips for the classes of a model, any number of which may be chosen.
 *
 * @param {string[]} names
 * @param {string[]} chosen
 * @param {(chosen: string[]) => void} change
 */
export function chips(names, chosen, change) {
  const boxes = names.map((value) => h("input", { type: "checkbox", value, checked: chosen.includes(value) }));
  const choose = () => change(boxes.filter((box) => box.checked).map((box) => box.value));
  const text = chosen.length ? "Whatever comes" : "All, in turn";
  const other = h("button", { type: "button", onclick: () => change(chosen.length ? [] : names) }, text);
  const row = h("div", { class: "chips", onchange: choose });
  fill(row, boxes.map((box) => h("label", { class: "chip" }, box, box.value)));
  return [row, other];
}
