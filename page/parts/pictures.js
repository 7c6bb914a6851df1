import { at } from "../lib/api.js";
import { fill, h } from "../lib/dom.js";
import { decoded, Newest } from "../lib/newest.js";
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
    this.grids = LETTERS.map(() => new Picture());
    this.tiles = LETTERS.map(() => new Picture());
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
      const picture = /** @type {Picture} */ (this.grids[k]), grid = picture.element;
      picture.show(at("/generate", { model: name, seed, n }), shape && gridSide(shape, n), room);
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
        const one = /** @type {Picture} */ (this.tiles[k]);
        one.show(at("/generate", { model: name, seed, n: 1, start: tile, pad: 0 }), shape && shape.side, LARGE);
        one.element.alt = `Image ${tile} of ${LETTERS[k]}`;
        return h("figure", null, one.element, h("figcaption", null, h("b", { class: `letter-${k + 1}` }, LETTERS[k])));
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
    for (const { element } of this.grids) element.style.clipPath = "";
    const upper = /** @type {Picture} */ (this.grids[top]).element;
    if (mode === "swipe") upper.style.clipPath = `inset(0 0 0 ${this.cut.value}%)`;
    if (mode === "blink" && !this.#isFlipped) upper.style.clipPath = "inset(100%)";
    this.flip.textContent = `Shown is ${LETTERS[this.#isFlipped ? top : low]}: show ${
      LETTERS[this.#isFlipped ? low : top]
    }`;
  }
}

/** One picture after the other in one element, each at a whole-number zoom. */
class Picture {
  element = h("img", { class: "pixels", alt: "" });
  #room = 0;
  #newest = new Newest(decoded, ({ src, naturalWidth }) => {
    this.element.src = src;
    this.#size(naturalWidth);
  });

  /**
   * @param {string} src
   * @param {number | null} natural Its pixels, where they are known before it is there.
   * @param {number} room
   */
  show(src, natural, room) {
    this.#room = room;
    if (natural || this.element.naturalWidth) this.#size(natural || this.element.naturalWidth);
    if (this.element.src !== src) this.#newest.want(src);
  }

  /** @param {number} pixels */
  #size(pixels) {
    const room = this.#room;
    this.element.width = this.element.height = pixels > room ? room : pixels * Math.floor(room / pixels);
  }
}
