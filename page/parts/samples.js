import { at } from "../lib/api.js";
import { h } from "../lib/dom.js";
import { Newest } from "../lib/newest.js";
import { hash } from "../lib/place.js";
import { spread } from "./time.js";

const COLUMNS = 8;
const PAD = 2; // pixels between tiles
const WIDEST = 480, LARGE = 224, SMALL = 56; // CSS pixels of the grid, of the enlarged tile, of one in the row
const IN_ROW = 24;

/**
 * The images of a run at fixed latents: the grid of an epoch, one of its tiles enlarged, and that tile through time.
 *
 * All are painted from the PNGs of the epochs, and these are let go: elements of HTML that show one picture after another
 * would keep each of them in the browser's memory, decoded.
 */
export class Samples {
  #tile = 0;
  #newest = -1;
  #filling = 0;
  /** @type {ImageBitmap | null} */ #shown = null;
  /** @type {Map<number, HTMLAnchorElement>} */ #row = new Map();
  #epochs = new Newest((/** @type {number} */ epoch) => this.#picture(epoch), (picture, epoch) => {
    this.#shown?.close();
    this.#shown = picture;
    this.#paint(epoch);
  });

  /**
   * @param {string} job
   * @param {(tile: number) => void} choose
   * @param {AbortSignal} leaving
   */
  constructor(job, choose, leaving) {
    this.job = job;
    this.leaving = leaving;
    this.image = h("canvas", { class: "pixels", role: "img", width: WIDEST, height: WIDEST });
    this.image.addEventListener("click", ({ offsetX, offsetY }) => {
      const step = this.image.clientWidth / COLUMNS;
      choose(Math.min(7, Math.floor(offsetY / step)) * COLUMNS + Math.min(7, Math.floor(offsetX / step)));
    });
    this.large = h("canvas", { class: "pixels", role: "img" });
    this.number = h("input", { type: "number", min: "0", max: "63", id: "tile" });
    this.number.addEventListener("change", () => this.number.checkValidity() && choose(Number(this.number.value)));
    this.row = h("div", { class: "through" });
    this.grid = h(
      "figure",
      { class: "card grid" },
      this.image,
      h("figcaption", { class: "soft" }, this.text = h("span")),
    );
    this.tile = h(
      "section",
      { class: "card" },
      h("h2", null, "One tile through time"),
      h("p", { class: "soft" }, "Click a tile above, or type its number. The arrow keys go an epoch back or on."),
      h(
        "div",
        { class: "tiles" },
        h("div", null, h("label", { for: "tile" }, "Tile "), this.number),
        this.large,
        this.row,
      ),
    );
  }

  /**
   * @param {number} epoch
   * @param {number} tile 0 to 63.
   * @param {number} newest The last epoch that there is.
   */
  show(epoch, tile, newest) {
    const isOther = tile !== this.#tile;
    [this.#tile, this.number.value] = [tile, String(tile)];
    if (isOther || newest !== this.#newest) this.#fillRow(newest);
    if (epoch !== this.epoch) this.#epochs.want(epoch); // one that is not there yet is asked for by the next event
    else if (isOther) this.#paint(epoch);
  }

  /** The epoch that is shown; NaN before the first. */
  get epoch() {
    return Number(this.image.dataset["epoch"] ?? NaN);
  }

  /** @param {number} epoch */
  async #picture(epoch) {
    const answer = await fetch(at(`/jobs/${this.job}/samples/${epoch}`), { signal: this.leaving });
    return createImageBitmap(await answer.blob());
  }

  /** @param {number} epoch Of the picture that there is. */
  #paint(epoch) {
    const picture = /** @type {ImageBitmap} */ (this.#shown), tile = this.#tile;
    const text = epoch ? `after epoch ${epoch}` : "before training";
    const room = Math.min(WIDEST, (this.grid.parentElement?.clientWidth ?? WIDEST) - 34);
    paint(this.image, picture, 0, 0, picture.width, room);
    this.image.dataset["epoch"] = String(epoch);
    this.image.ariaLabel = `64 images at fixed latents, ${text}`;
    this.text.textContent = `The same 64 latents ${text}: one sees each image grow.`;
    cut(this.large, picture, tile, LARGE);
    this.large.ariaLabel = `Tile ${tile} ${text}`;
    for (const [at, link] of this.#row) link.ariaCurrent = at === epoch ? "true" : null;
  }

  /** @param {number} newest */
  async #fillRow(newest) {
    const before = this.#row, filling = ++this.#filling, tile = this.#tile;
    this.#newest = newest;
    this.#row = new Map(
      spread(newest, IN_ROW).map((epoch) => [
        epoch,
        before.get(epoch) ?? h("a", null, h("canvas", { class: "pixels" }), h("small", null, String(epoch))),
      ]),
    );
    this.row.replaceChildren(...this.#row.values());
    for (const [epoch, link] of this.#row) {
      const canvas = /** @type {HTMLCanvasElement} */ (link.firstElementChild);
      link.href = hash(`job/${this.job}`, { epoch, tile });
      link.ariaLabel = `Tile ${tile} after epoch ${epoch}`;
      if (canvas.dataset["tile"] === String(tile)) continue;
      const picture = await this.#picture(epoch).catch(() => null);
      if (filling === this.#filling && picture) {
        cut(canvas, picture, tile, SMALL);
        canvas.dataset["tile"] = String(tile);
      }
      picture?.close();
      if (filling !== this.#filling) return;
    }
  }
}

/**
 * Paint one tile of a grid.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {ImageBitmap} picture
 * @param {number} tile
 * @param {number} room
 */
function cut(canvas, picture, tile, room) {
  const side = (picture.width + PAD) / COLUMNS - PAD, step = side + PAD;
  paint(canvas, picture, tile % COLUMNS * step, Math.floor(tile / COLUMNS) * step, side, room);
}

/**
 * Paint a square of a picture, at the largest whole-number zoom.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {ImageBitmap} picture
 * @param {number} x Of its left upper corner.
 * @param {number} y
 * @param {number} side
 * @param {number} room CSS pixels.
 */
function paint(canvas, picture, x, y, side, room) {
  canvas.width = canvas.height = side;
  canvas.style.width = `${side * Math.max(1, Math.floor(room / side))}px`;
  canvas.getContext("2d")?.drawImage(picture, -x, -y);
}
