import { at, get, Problem } from "../lib/api.js";
import { single } from "../lib/drawing.js";
import { fill, h } from "../lib/dom.js";

/** @typedef {import("../lib/drawing.js").Drawing} Drawing */

const SHOWN = 6;
const FAR = 3; // standard deviations of z: what few of its numbers exceed
const THUMBNAIL = 56;

/**
 * Sliders along the directions of z in which the images of a model change most.
 */
export class Sliders {
  #rows = h("div", { class: "directions" });
  #reset = h("button", { type: "button", onclick: () => this.#moved({}) }, "Reset");
  element = h(
    "section",
    { class: "card", hidden: true },
    h("div", { class: "row between" }, h("h2", null, "Sliders"), this.#reset),
    h(
      "p",
      { class: "soft" },
      "The directions of z in which the first layer of G, and so the image, changes most (SeFa), with their share of the " +
        "change. Nobody gave them names: what does each one do?",
    ),
    this.#rows,
  );
  /** @type {string | null} */
  #model = null;
  /** @type {Record<number, number>} */
  #nudge = {};

  /** @param {(nudge: Record<number, number>) => void} moved */
  constructor(moved) {
    this.#moved = moved;
  }
  #moved;

  /**
   * @param {Drawing} drawing
   * @param {string} model Which one draws.
   * @param {AbortSignal} signal
   */
  async show(drawing, model, signal) {
    this.#nudge = drawing.nudge;
    if (model !== this.#model) {
      this.#model = model;
      this.element.hidden = true;
      try {
        const { data } = await get(`/models/${model}/directions`, {}, signal);
        if (model !== this.#model) return;
        fill(this.#rows, data.slice(0, SHOWN).map(this.#row, this));
        this.element.hidden = false;
      } catch (error) {
        if (!(error instanceof Problem)) throw error;
      }
      drawing = { ...drawing, nudge: this.#nudge };
    }
    this.#reset.disabled = !Object.keys(this.#nudge).length;
    for (const row of this.#rows.children) this.#fill(row, drawing);
  }

  /** @param {{ number: number, share: number }} direction */
  #row({ number, share }) {
    const range = h("input", {
      type: "range",
      min: String(-FAR),
      max: String(FAR),
      step: "0.1",
      oninput: () => {
        this.#nudge = { ...this.#nudge, [number]: range.valueAsNumber };
        fill(value, text(range.valueAsNumber));
        this.#moved(this.#nudge);
      },
    });
    const value = h("b", { class: "number" }, "0");
    return h(
      "div",
      { class: "direction", "data-number": number },
      h("img", { class: "pixels", alt: "", width: THUMBNAIL, height: THUMBNAIL }),
      h(
        "label",
        null,
        h("span", { class: "row between" }, `Direction ${number + 1} (${(100 * share).toFixed(0)} %)`, value),
        range,
      ),
      h("img", { class: "pixels", alt: "", width: THUMBNAIL, height: THUMBNAIL }),
    );
  }

  /**
   * @param {Element} row
   * @param {Drawing} drawing
   */
  #fill(row, drawing) {
    const number = Number(/** @type {HTMLElement} */ (row).dataset.number);
    const amount = drawing.nudge[number] ?? 0;
    const range = row.querySelector("input");
    const value = row.querySelector("b");
    if (range) range.value = String(amount);
    if (value) fill(value, text(amount));
    row.querySelectorAll("img").forEach((image, end) => {
      const there = { ...drawing, nudge: { ...drawing.nudge, [number]: end ? FAR : -FAR } };
      const url = at("/generate", single(there, drawing.tile ?? 0));
      if (image.src !== url) image.src = url;
    });
  }
}

/** @param {number} amount */
function text(amount) {
  return `${amount > 0 ? "+" : ""}${amount}`;
}
