import { fill, h } from "../lib/dom.js";

/**
 * @typedef {Object} Knob As `GET /presets` has it.
 * @property {string} name
 * @property {"integer" | "number" | "choice" | "text"} type
 * @property {string} description
 * @property {string} group
 * @property {boolean} [nullable]
 * @property {string[]} [choices]
 * @property {number} [minimum]
 * @property {number} [maximum]
 *
 * @typedef {string | number | null} Value
 */

/**
 * The value of a knob that a text stands for. A text that is no number stays one: the service says what is allowed.
 *
 * @param {Knob} knob
 * @param {string} text
 * @returns {Value}
 */
export function valueOf({ type, nullable }, text) {
  if (nullable && (text === "" || text === "null")) return null;
  const isNumber = (type === "integer" || type === "number") && text !== "" && Number.isFinite(Number(text));
  return isNumber ? Number(text) : text;
}

/**
 * The knobs that a place of the form names, and those of a recipe that differ from what it is laid over.
 *
 * @param {Knob[]} knobs
 * @param {Record<string, string>} query
 * @param {Record<string, Value>} [recipe]
 * @param {Record<string, Value>} [base]
 * @returns {Record<string, Value>}
 */
export function changesOf(knobs, query, recipe = {}, base = {}) {
  /** @type {Record<string, Value>} */ const changes = {};
  for (const knob of knobs) {
    const { name } = knob, text = query[name], own = recipe[name];
    if (text !== undefined) changes[name] = valueOf(knob, text);
    else if (own !== undefined && own !== base[name]) changes[name] = own;
  }
  return changes;
}

/** A field for each knob, in groups that unfold; what is not as in the preset is marked, and can be set back. */
export class KnobForm {
  /** @type {Record<string, Value>} */ #base = {};
  /** @type {Map<string, { knob: Knob, input: HTMLInputElement | HTMLSelectElement, fault: HTMLElement, reset: HTMLButtonElement, row: HTMLElement }>} */
  #fields = new Map();

  /**
   * @param {Knob[]} knobs
   * @param {(changes: Record<string, Value>) => void} change
   */
  constructor(knobs, change) {
    this.change = change;
    const groups = Map.groupBy(knobs, ({ group }) => group);
    this.element = h("div", { class: "stack" });
    for (const [name, those] of groups) {
      const box = h(
        "details",
        { class: "card" },
        h("summary", null, name),
        h("div", { class: "knobs" }, those.map((knob) => this.#field(knob))),
      );
      this.element.append(box);
    }
  }

  /** @param {Knob} knob */
  #field(knob) {
    const { name, type, minimum, maximum, choices, description, nullable } = knob, id = `knob-${name}`;
    const oninput = () => this.change(this.changes);
    const input = choices?.length
      ? h("select", { id, oninput }, choices.map((one) => h("option", { value: one }, one)))
      : h("input", {
        id,
        oninput,
        type: type === "text" ? "text" : "number",
        step: type === "integer" ? "1" : "any",
        min: minimum ?? "",
        max: maximum ?? "",
        placeholder: nullable ? "all" : "",
      });
    input.setAttribute("aria-describedby", `${id}-says`);
    const reset = h("button", {
      type: "button",
      class: "quiet",
      "aria-label": `Set ${name} back`,
      onclick: () => {
        this.#write(name, this.#base[name] ?? null);
        oninput();
        input.focus();
      },
    }, "Reset");
    const fault = h("span", { class: "problem" });
    const row = h(
      "div",
      { class: "knob" },
      h("label", { for: id }, h("code", null, name)),
      h("span", { class: "row" }, input, reset),
      h("small", { id: `${id}-says` }, description, " ", fault),
    );
    this.#fields.set(name, { knob, input, fault, reset, row });
    return row;
  }

  /** What differs from the base. */
  get changes() {
    /** @type {Record<string, Value>} */ const changes = {};
    for (const [name, { knob, input }] of this.#fields) {
      const value = valueOf(knob, input.value);
      if (value !== (this.#base[name] ?? null) && !(value === "" && !knob.nullable)) changes[name] = value;
    }
    return changes;
  }

  /**
   * @param {Record<string, Value>} base The recipe that changes are laid over.
   * @param {Record<string, Value>} changes
   */
  show(base, changes) {
    this.#base = base;
    for (const name of this.#fields.keys()) {
      this.#write(name, name in changes ? changes[name] ?? null : base[name] ?? null);
    }
  }

  /** @param {string} name @param {Value} value */
  #write(name, value) {
    const field = this.#fields.get(name);
    if (!field) return;
    const isSame = valueOf(field.knob, field.input.value) === value; // else it would be changed under one's hands
    if (!isSame && !(document.activeElement === field.input && field.input.value === "")) {
      field.input.value = value === null ? "" : String(value);
    }
    const isChanged = value !== (this.#base[name] ?? null);
    field.row.classList.toggle("changed", isChanged);
    field.reset.hidden = !isChanged;
    if (isChanged) field.row.closest("details")?.setAttribute("open", "");
  }

  /**
   * Show what is wrong at the fields.
   *
   * @param {import("../lib/api.js").Fault[]} faults
   * @returns {import("../lib/api.js").Fault[]} Those of no field here.
   */
  blame(faults) {
    for (const [name, { input, fault, row }] of this.#fields) {
      const mine = faults.find(({ pointer }) => pointer === `/${name}`);
      fill(fault, mine?.detail);
      if (mine) row.closest("details")?.setAttribute("open", "");
      input.toggleAttribute("aria-invalid", false);
      if (mine) input.setAttribute("aria-invalid", "true");
    }
    return faults.filter(({ pointer }) => !this.#fields.has(pointer?.slice(1) ?? ""));
  }
}
