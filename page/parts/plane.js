import { ACROSS, onPlane } from "../lib/drawing.js";
import { fill, h } from "../lib/dom.js";

/** @typedef {import("../lib/drawing.js").Point} Point */

const SHOWN = 5; // whole points beside each other
const STEP = 0.1;
const FINE = 0.01;

/**
 * A square of the plane, with the images of its whole points, and a mark that one drags or moves by the arrow keys.
 */
export class Plane {
  #mark = h("span", { class: "point" });
  #seeds = h("div", { class: "seeds" });
  element = h(
    "div",
    { class: "plane", role: "slider", tabIndex: 0, "aria-label": "Point of the plane", "aria-valuemin": "0" },
    this.#seeds,
    this.#mark,
  );
  /** @type {Point} */
  #at = [0, 0];
  /** @type {Point} The whole point at the top left. */
  #corner = [-1, -1];
  #drawn = "";
  #moved;

  /** @param {(at: Point) => void} moved */
  constructor(moved) {
    this.#moved = moved;
    this.element.setAttribute("aria-valuemax", String(ACROSS - 1));
    this.element.addEventListener("pointerdown", (event) => {
      this.element.setPointerCapture(event.pointerId);
      this.#drag(event);
    });
    this.element.addEventListener("pointermove", (event) => {
      if (this.element.hasPointerCapture(event.pointerId)) this.#drag(event);
    });
    new ResizeObserver(() => this.#seeds.querySelectorAll("img").forEach((image) => this.#fit(image)))
      .observe(this.element);
    this.element.addEventListener("keydown", (event) => this.#press(event));
  }

  /**
   * @param {Point} at
   * @param {(seed: number) => string} url Of the image of a seed.
   */
  show(at, url) {
    this.#corner = [Math.min(corner(this.#corner[0], at[0]), ACROSS - SHOWN), corner(this.#corner[1], at[1])];
    const seeds = Array.from(
      { length: SHOWN ** 2 },
      (_, k) => this.#corner[0] + k % SHOWN + ACROSS * (this.#corner[1] + Math.floor(k / SHOWN)),
    );
    if (this.#drawn !== url(seeds[0] ?? 0)) {
      this.#drawn = url(seeds[0] ?? 0);
      fill(this.#seeds, seeds.map((seed) => this.#seed(url(seed))));
    }
    this.#place(at);
  }

  /** @param {string} src */
  #seed(src) {
    const image = h("img", { class: "pixels", alt: "", draggable: false, src });
    image.onload = () => this.#fit(image);
    return image;
  }

  /** @param {HTMLImageElement} image */
  #fit(image) {
    const zoom = Math.floor(0.95 * this.element.clientWidth / SHOWN / image.naturalWidth);
    if (image.naturalWidth) image.width = image.naturalWidth * Math.max(1, zoom);
  }

  /** @param {Point} at */
  #place(at) {
    this.#at = at;
    const [left, top] = at.map((value, axis) => `${100 * (value - (this.#corner[axis] ?? 0) + 0.5) / SHOWN}%`);
    Object.assign(this.#mark.style, { left, top });
    this.element.setAttribute("aria-valuenow", String(at[0]));
    this.element.setAttribute("aria-valuetext", `${at[0]} across, ${at[1]} down`);
  }

  /** @param {PointerEvent} event */
  #drag(event) {
    const box = this.element.getBoundingClientRect();
    const [x, y] = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height]
      .map((part, axis) => (this.#corner[axis] ?? 0) + Math.min(1, Math.max(0, part)) * SHOWN - 0.5);
    this.#move([Math.round((x ?? 0) * 100) / 100, Math.round((y ?? 0) * 100) / 100]);
  }

  /** @param {KeyboardEvent} event */
  #press(event) {
    const directions = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const [x, y] = directions[/** @type {keyof directions} */ (event.key)] ?? [];
    if (x === undefined || y === undefined) return;
    event.preventDefault();
    const step = event.shiftKey ? FINE : STEP;
    this.#move([this.#at[0] + x * step, this.#at[1] + y * step]);
  }

  /** @param {Point} to */
  #move(to) {
    const at = onPlane(to);
    if (String(at) === String(this.#at)) return;
    this.#place(at);
    this.#moved(at);
  }
}

/**
 * @param {number} corner Where the square begins now; below 0 where there is none yet.
 * @param {number} at
 * @returns {number} Where it begins, so that it shows the point: in its middle at first, then moved as little as need be.
 */
function corner(corner, at) {
  const wish = corner < 0 ? Math.round(at) - Math.floor(SHOWN / 2) : corner;
  return Math.max(0, Math.min(Math.floor(at), Math.max(wish, Math.ceil(at) - SHOWN + 1)));
}
