import { ask, at } from "../lib/api.js";
import { ACROSS, count, single, write } from "../lib/drawing.js";
import { fill, h } from "../lib/dom.js";
import { hash } from "../lib/place.js";
import { copyable } from "./copy.js";
import { showNeighbours } from "./neighbours.js";

/** @typedef {import("../lib/drawing.js").Drawing} Drawing */

const LARGE = 280; // pixels of the screen, at most
const SAVED = 8;

/**
 * One image of the picture, large: its address, how to draw it elsewhere, and the training images like it.
 */
export class Tile {
  #title = h("h2", { id: "tile-title" });
  #large = h("div", { class: "large" });
  #links = h("div", { class: "row" });
  #texts = h("div", { class: "stack" });
  #near = h("div", { "aria-live": "polite" });
  #earlier = h("button", { type: "button", onclick: () => this.#step(-1) }, "← Previous");
  #later = h("button", { type: "button", onclick: () => this.#step(1) }, "Next →");
  element = h(
    "dialog",
    { class: "tile", "aria-labelledby": "tile-title" },
    h(
      "div",
      { class: "row between" },
      this.#title,
      h("button", { type: "button", onclick: () => this.close() }, "Close"),
    ),
    h(
      "div",
      { class: "columns" },
      h("div", { class: "stack" }, this.#large, h("div", { class: "row" }, this.#earlier, this.#later), this.#links),
      h(
        "div",
        { class: "stack" },
        h("h3", null, "Did it memorise?"),
        this.#near,
        h("h3", null, "Draw it again"),
        this.#texts,
      ),
    ),
  );
  /** @type {Drawing | null} */
  #drawing = null;
  #leave = new AbortController();
  #go;

  /** @param {(tile: number | null) => void} go Called with the image to show instead, null for none. */
  constructor(go) {
    this.#go = go;
    this.element.addEventListener("close", () => this.#drawing && go(null));
    this.element.addEventListener("click", (event) => event.target === this.element && this.close());
    this.element.addEventListener("keydown", (event) => {
      if (event.target instanceof HTMLTextAreaElement) return;
      if (event.key === "ArrowLeft") this.#step(-1);
      if (event.key === "ArrowRight") this.#step(1);
    });
  }

  close() {
    this.element.close();
  }

  /**
   * @param {Drawing} drawing Its `tile` is the place of the image; without one nothing is shown.
   */
  async show(drawing) {
    const k = drawing.tile;
    this.#leave.abort();
    this.#leave = new AbortController();
    const signal = this.#leave.signal;
    this.#drawing = k === null ? null : drawing;
    if (k === null) return this.close();
    const query = single(drawing, k);
    const image = h("img", { class: "pixels", alt: "The image, large", src: at("/generate", query) });
    fill(
      this.#title,
      `Image ${drawing.start + k} of ${drawing.at ? `point ${drawing.at.join(", ")}` : `seed ${drawing.seed}`}`,
    );
    fill(this.#large, image);
    fill(this.#near, h("p", { class: "soft" }, "Looking through the training images …"));
    this.#earlier.disabled = k === 0;
    this.#later.disabled = k >= count(drawing) - 1;
    if (!this.element.open) this.element.showModal();
    await image.decode().catch(() => {});
    const zoom = Math.max(1, Math.floor(LARGE / (image.naturalWidth || LARGE)));
    Object.assign(image, { width: image.naturalWidth * zoom, height: image.naturalHeight * zoom });
    try {
      const answer = await ask(image.src, { method: "HEAD", signal });
      this.#tell(answer.headers.get("content-location") ?? image.src, drawing, k);
      await showNeighbours(this.#near, query, Math.max(1, Math.floor(56 / image.naturalWidth)), signal);
    } catch (error) {
      if (!signal.aborted) fill(this.#near, h("p", { class: "problem" }, error instanceof Error ? error.message : ""));
    }
  }

  /**
   * @param {string} path The canonical URL of the image.
   * @param {Drawing} drawing
   * @param {number} k
   */
  #tell(path, drawing, k) {
    const url = at(path);
    const larger = new URL(url);
    larger.searchParams.set("scale", String(SAVED));
    const name = `digit-${drawing.at?.join("-") ?? drawing.seed}-${drawing.start + k}.png`;
    const alone = { ...drawing, n: 1, start: drawing.start + k, tile: null };
    const { seed } = drawing;
    fill(
      this.#links,
      h("a", { class: "button", href: url, download: name }, "Save PNG"),
      h("a", { class: "button", href: larger.href, download: name }, `Save ${SAVED} times larger`),
      !drawing.at &&
        h("a", { class: "button", href: hash("draw", write({ ...alone, to: seed + 1 })) }, "Walk from here"),
      !drawing.at &&
        h(
          "a",
          { class: "button", href: hash("draw", write({ ...alone, at: [seed % ACROSS, Math.floor(seed / ACROSS)] })) },
          "On the plane",
        ),
    );
    fill(
      this.#texts,
      recipes(url, document.documentElement.hasAttribute("data-keys")).map(([label, text]) => copyable(label, text)),
    );
  }

  /** @param {number} by */
  #step(by) {
    const k = (this.#drawing?.tile ?? 0) + by;
    if (this.#drawing && k >= 0 && k < count(this.#drawing)) this.#go(k);
  }
}

/**
 * How to get the bytes of a URL.
 *
 * @param {string} url
 * @param {boolean} needsKey
 * @returns {[string, string][]} What it is for, and the text.
 */
export function recipes(url, needsKey) {
  const key = needsKey ? ' -H "Authorization: Bearer $DIGITFORGE_KEY"' : "";
  const opened = needsKey ? `Request("${url}", headers={"Authorization": "Bearer " + KEY})` : `"${url}"`;
  const python = [
    `from urllib.request import ${needsKey ? "Request, " : ""}urlopen`,
    "from pathlib import Path",
    `Path("image.png").write_bytes(urlopen(${opened}).read())`,
  ];
  return [["Address", url], ["Command", `curl -s${key} '${url}' -o image.png`], ["Python", python.join("\n")]];
}
