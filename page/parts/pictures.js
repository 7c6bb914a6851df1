import { at } from "../lib/api.js";
import { fill, h } from "../lib/dom.js";
import { hash } from "../lib/place.js";
import { LETTERS } from "./differences.js";
import { gridSide } from "./model_card.js";

/** @typedef {import("./sides.js").Side} Side */
/** @typedef {import("./comparison.js").Comparison} Comparison */

const GAP = 16;
const TALLEST = 500; // pixels of the screen
const LARGE = 196; // of one image

/** Grids of the same seed: beside each other, or one over the other. */
export class Pictures {
  /** @param {(tile: number) => void} pick */
  constructor(pick) {
    this.pick = pick;
    this.grids = LETTERS.map(() => image());
    this.tiles = LETTERS.map(() => image());
    this.stage = h("div", { class: "pictures" });
    this.large = h("div", { class: "row" });
    this.cut = h("input", { type: "range", min: "0", max: "100", value: "50", oninput: () => this.#cover() });
    this.flip = h("button", { type: "button", onclick: () => this.#flip() });
    this.tools = h("div", { class: "tools" }, h("label", null, "The line ", this.cut), this.flip);
  }

  /**
   * @param {Side[]} sides
   * @param {Comparison} comparison
   */
  show(sides, { seed, n, tile, mode, over }) {
    const pair = mode === "side" ? sides.map((_, k) => k) : [0, over];
    const width = this.stage.clientWidth;
    let columns = mode === "side" ? sides.length : 1;
    while (columns > 1 && (width - (columns - 1) * GAP) / columns < 240) columns--;
    const room = Math.min(TALLEST, (width - (columns - 1) * GAP) / columns);
    const figures = pair.map((k) => {
      const { name, shape } = /** @type {Side} */ (sides[k]), letter = LETTERS[k] ?? "";
      const grid = /** @type {HTMLImageElement} */ (this.grids[k]);
      draw(grid, at("/generate", { model: name, seed, n }), shape && gridSide(shape, n), room);
      grid.alt = `${n} images of ${letter}`;
      grid.onclick = ({ offsetX, offsetY }) => {
        const across = Math.sqrt(n),
          to = (/** @type {number} */ x, /** @type {number} */ all) =>
            Math.min(across - 1, Math.floor(x / all * across));
        this.pick(to(offsetY, grid.height) * across + to(offsetX, grid.width));
      };
      return h(
        "figure",
        null,
        grid,
        h(
          "figcaption",
          null,
          h("b", { class: `letter-${k + 1}` }, letter),
          " ",
          h("a", { href: hash("draw", { model: name, seed, n }) }, "Draw with it"),
        ),
      );
    });
    this.stage.dataset.mode = mode;
    fill(this.stage, figures);
    this.tools.hidden = mode !== "swipe" && mode !== "blink";
    /** @type {HTMLElement} */ (this.tools.firstElementChild).hidden = mode !== "swipe";
    this.flip.hidden = mode !== "blink";
    this.#pair = pair;
    this.#cover();
    fill(
      this.large,
      sides.map(({ name, shape }, k) => {
        const one = /** @type {HTMLImageElement} */ (this.tiles[k]);
        draw(one, at("/generate", { model: name, seed, n: 1, start: tile, pad: 0 }), shape && shape.side, LARGE);
        one.alt = `Image ${tile} of ${LETTERS[k]}`;
        return h("figure", null, one, h("figcaption", null, h("b", { class: `letter-${k + 1}` }, LETTERS[k])));
      }),
    );
  }

  /** @type {number[]} */ #pair = [];
  #isFlipped = false;

  #flip() {
    this.#isFlipped = !this.#isFlipped;
    this.#cover();
  }

  #cover() {
    const { mode } = this.stage.dataset, [low = 0, top = 1] = this.#pair;
    for (const grid of this.grids) grid.style.clipPath = "";
    const upper = /** @type {HTMLImageElement} */ (this.grids[top]);
    if (mode === "swipe") upper.style.clipPath = `inset(0 0 0 ${this.cut.value}%)`;
    if (mode === "blink" && !this.#isFlipped) upper.style.clipPath = "inset(100%)";
    this.flip.textContent = `Shown is ${LETTERS[this.#isFlipped ? top : low]}: show ${
      LETTERS[this.#isFlipped ? low : top]
    }`;
  }
}

function image() {
  return h("img", { class: "pixels", alt: "" });
}

/** @type {WeakMap<HTMLImageElement, string | null>} What an image is to show next; null is nothing else. */
const waiting = new WeakMap();

/**
 * Show a picture at a whole-number zoom. One request an image is in flight, and the newest wins.
 *
 * @param {HTMLImageElement} img
 * @param {string} src
 * @param {number | null} natural Its pixels, where they are known before it is there.
 * @param {number} room
 */
function draw(img, src, natural, room) {
  const size = (/** @type {number} */ pixels) => {
    img.width = img.height = pixels > room ? room : pixels * Math.floor(room / pixels);
  };
  if (natural || img.naturalWidth) size(natural || img.naturalWidth);
  if (waiting.has(img)) return void waiting.set(img, src);
  if (img.src === src) return;
  waiting.set(img, null);
  img.onload = img.onerror = () => {
    const next = waiting.get(img);
    waiting.delete(img);
    size(img.naturalWidth || room);
    if (next) draw(img, next, natural, room);
  };
  img.src = src;
}
