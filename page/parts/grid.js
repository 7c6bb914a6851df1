import { fill, h } from "../lib/dom.js";

/**
 * The one picture of a grid, with a button over each image of it: nothing is fetched for an image by itself.
 */
export class Grid {
  element = h("div", { class: "drawn" });
  #tiles = h("div", { class: "picks", role: "group", "aria-label": "Images" });
  #columns = 1;
  #current = 0;

  /** @param {(k: number) => void} open Called with the place of the image that was chosen. */
  constructor(open) {
    this.#tiles.addEventListener("click", (event) => {
      const k = [...this.#tiles.children].indexOf(/** @type {Element} */ (event.target));
      if (k >= 0) open(k);
    });
    this.#tiles.addEventListener("keydown", (event) => this.#move(event));
  }

  /**
   * @param {HTMLImageElement} image
   * @param {{ columns: number, pad: number, scale: number | null, room: [number, number], names: string[] }} layout
   *   A wanted scale has to fit the width of the room; `names` has one for each image that may be chosen.
   */
  show(image, { columns, pad, scale, room, names }) {
    const { naturalWidth: width, naturalHeight: height } = image;
    const fits = Math.max(1, Math.min(8, Math.floor(room[0] / width)));
    const zoom = Math.min(scale ?? Math.max(1, Math.min(fits, Math.floor(room[1] / height))), fits);
    const side = ((width + pad) / columns - pad) * zoom;
    Object.assign(image, { className: "pixels", width: width * zoom, height: height * zoom });
    image.alt = names.length ? `${names.length} drawn images` : "Drawn images that change into others";
    Object.assign(this.#tiles.style, {
      gridTemplateColumns: `repeat(${columns}, ${side}px)`,
      gridAutoRows: `${side}px`,
      gap: `${pad * zoom}px`,
    });
    this.#columns = columns;
    if (this.#tiles.childElementCount !== names.length) {
      this.#current = 0;
      fill(this.#tiles, names.map((_, k) => h("button", { type: "button", tabIndex: k ? -1 : 0 })));
    }
    names.forEach((name, k) => this.#tiles.children[k]?.setAttribute("aria-label", name));
    const before = this.element.querySelector("img");
    if (before) before.replaceWith(image);
    else fill(this.element, image, this.#tiles);
  }

  /** @param {number} k Moves the focus to an image, if there is such a one. */
  focus(k) {
    const tiles = /** @type {HTMLCollectionOf<HTMLButtonElement>} */ (this.#tiles.children);
    const [from, to] = [tiles[this.#current], tiles[k]];
    if (!from || !to) return;
    from.tabIndex = -1;
    to.tabIndex = 0;
    to.focus();
    this.#current = k;
  }

  /** @param {KeyboardEvent} event */
  #move(event) {
    const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -this.#columns, ArrowDown: this.#columns };
    const step = steps[/** @type {keyof steps} */ (event.key)];
    if (!step) return;
    event.preventDefault();
    this.focus(this.#current + step);
  }
}
