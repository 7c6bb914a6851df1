import { at } from "../lib/api.js";
import { h } from "../lib/dom.js";
import { hash } from "../lib/place.js";
import { some } from "./time.js";

const COLUMNS = 8;
const PAD = 2; // pixels between tiles
const WIDEST = 480, LARGE = 224, SMALL = 56; // CSS pixels of the grid, of the enlarged tile, of one in the row
const IN_ROW = 24;

/** @param {string} job @param {number} epoch The URL of a grid of 64 images. */
const sample = (job, epoch) => at(`/jobs/${job}/samples/${epoch}`);

/**
 * The images of a run at fixed latents: the grid of an epoch, one of its tiles enlarged, and that tile through time.
 *
 * All are cut from the PNGs of the epochs. One is asked for at a time: of those that a slider passes, the newest.
 */
export class Samples {
  #wanted = 0;
  #tile = 0;
  #newest = -1;
  /** @type {number | null} */ #shown = null;
  #isBusy = false;
  #width = 0;
  /** @type {Map<number, HTMLAnchorElement>} */ #row = new Map();

  /**
   * @param {string} job
   * @param {(tile: number) => void} choose
   */
  constructor(job, choose) {
    this.job = job;
    this.image = h("img", { class: "pixels", width: WIDEST, height: WIDEST });
    this.image.addEventListener("click", (event) => {
      const step = this.image.width / COLUMNS;
      choose(Math.min(7, Math.floor(event.offsetY / step)) * COLUMNS + Math.min(7, Math.floor(event.offsetX / step)));
    });
    this.large = h("span", { class: "pixels", role: "img" });
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
    const isNew = tile !== this.#tile || newest !== this.#newest;
    [this.#wanted, this.#tile, this.#newest] = [epoch, tile, newest];
    this.number.value = String(tile);
    if (isNew && this.#width) this.#fillRow();
    this.#mark();
    this.#load();
  }

  async #load() {
    if (this.#isBusy) return;
    this.#isBusy = true;
    while (this.#shown !== this.#wanted) {
      const epoch = this.#wanted, next = new Image();
      next.src = sample(this.job, epoch);
      try {
        await next.decode();
      } catch {
        if (epoch === this.#wanted) break; // not there yet: the next event asks again
        continue;
      }
      this.#shown = epoch;
      this.image.src = next.src;
      if (this.#width !== next.naturalWidth) this.#size(next.naturalWidth);
      this.#mark();
    }
    this.#isBusy = false;
  }

  /** @param {number} width Of a grid's PNG. */
  #size(width) {
    this.#width = width;
    const room = Math.min(WIDEST, (this.grid.parentElement?.clientWidth ?? WIDEST) - 34);
    this.image.width = this.image.height = width * Math.max(1, Math.floor(room / width));
    this.#fillRow();
  }

  get #side() {
    return (this.#width - PAD * (COLUMNS - 1)) / COLUMNS;
  }

  #fillRow() {
    const epochs = some(0, this.#newest, IN_ROW);
    for (const epoch of this.#row.keys()) if (!epochs.includes(epoch)) this.#row.delete(epoch);
    const links = epochs.map((epoch) => {
      const link = this.#row.get(epoch) ??
        h("a", null, h("span", { class: "pixels" }), h("small", null, String(epoch)));
      this.#row.set(epoch, link);
      link.href = hash(`job/${this.job}`, { epoch, tile: this.#tile });
      link.setAttribute("aria-label", `Tile ${this.#tile} after epoch ${epoch}`);
      this.#cut(/** @type {HTMLElement} */ (link.firstElementChild), epoch, SMALL);
      return link;
    });
    this.row.replaceChildren(...links);
  }

  #mark() {
    const epoch = this.#shown ?? this.#wanted;
    const text = epoch ? `after epoch ${epoch}` : "before training";
    this.image.alt = `64 images at fixed latents, ${text}`;
    this.text.textContent = `The same 64 latents ${text}: one sees each image grow.`;
    this.large.setAttribute("aria-label", `Tile ${this.#tile} ${text}`);
    if (this.#width) this.#cut(this.large, epoch, LARGE);
    for (const [at, link] of this.#row) {
      if (at === epoch) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
  }

  /** @param {HTMLElement} element @param {number} epoch @param {number} size About how wide, in CSS pixels. */
  #cut(element, epoch, size) {
    const side = this.#side, zoom = Math.max(1, Math.floor(size / side));
    const step = -(side + PAD) * zoom, tile = this.#tile;
    Object.assign(element.style, {
      width: `${side * zoom}px`,
      height: `${side * zoom}px`,
      backgroundImage: `url("${sample(this.job, epoch)}")`,
      backgroundSize: `${this.#width * zoom}px`,
      backgroundPosition: `${tile % COLUMNS * step}px ${Math.floor(tile / COLUMNS) * step}px`,
    });
  }
}
