import { ask, at, Problem } from "../lib/api.js";
import { fill, h } from "../lib/dom.js";
import { cornerOf, gridOf, tileAt } from "../lib/grid.js";
import { hash } from "../lib/place.js";
import { View } from "../lib/view.js";
import { chosen, held, take } from "../parts/drop.js";

const HEAD = 60_000; // bytes that are sent: what a picture says of itself stands at its beginning

/** @typedef {{ url: string, seed: number, start: number, n: number, model: string, on_shelf: boolean }} Said */

export class InspectView extends View {
  heading = "Inspect";
  #blob = "";

  constructor() {
    super();
    addEventListener("dropped", () => held.picture && location.hash === "#inspect" && this.show({ query: {} }), {
      signal: this.leaving,
    });
    this.leaving.addEventListener("abort", () => URL.revokeObjectURL(this.#blob));
  }

  /** @param {{ query: Record<string, string> }} place The query of a picture, as of `/generate`; none to ask for one. */
  async show({ query }) {
    const file = held.picture;
    held.picture = null;
    const isLink = Object.keys(query).length > 0;
    if (!file && !isLink) return this.#invite();
    /** @type {Blob} */
    let png = file ?? new Blob();
    try {
      if (!file) png = await (await ask(at("/generate", query), { signal: this.leaving })).blob();
      const body = png.slice(0, HEAD);
      const headers = { "content-type": "image/png" };
      const said = await (await ask(at("/inspect"), { method: "POST", headers, body, signal: this.leaving })).json();
      await this.#tell(png, said);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      this.#invite(error, file);
    }
  }

  /** @param {Problem} [problem] @param {File | null} [file] */
  #invite(problem, file) {
    const onchange = () => take(chosen(input.files ?? []));
    const input = h("input", { type: "file", accept: "image/*", hidden: true, onchange });
    fill(
      this,
      h("h1", null, "Where is a picture from?"),
      h(
        "p",
        null,
        "Each PNG that digitforge draws says which model and which seed drew it. Drop one anywhere on this page, paste it, or ",
        "choose it, and you get back to the view that drew it.",
      ),
      h("button", { type: "button", onclick: () => input.click() }, "Choose a picture"),
      input,
      problem && h(
        "section",
        { class: "card stack" },
        h("p", { class: "problem", role: "alert" }, problem.message),
        file && this.#image(file, "The picture without an origin"),
        file && h("p", null, "To train on pictures, drop a folder of them."),
      ),
    );
  }

  /** @param {Blob} png @param {string} alt */
  #image(png, alt) {
    URL.revokeObjectURL(this.#blob);
    this.#blob = URL.createObjectURL(png);
    return h("img", { class: "pixels", src: this.#blob, alt });
  }

  /** @param {Blob} png @param {Said} said */
  async #tell(png, said) {
    const { searchParams } = new URL(said.url, location.href);
    const query = Object.fromEntries(searchParams);
    const { cols: _cols, pad: _pad, ...alike } = query;
    history.replaceState(null, "", hash("inspect", query));
    const verdict = h("p", { role: "status" }, "Drawing it again, to compare ...");
    const image = this.#image(png, `${said.n} images of seed ${said.seed}`);
    await image.decode();
    const grid = gridOf(searchParams, image.naturalWidth, image.naturalHeight);
    const room = Math.min(this.clientWidth - 34, 640);
    const zoom = Math.max(1, Math.floor(room / image.naturalWidth));
    image.width = image.naturalWidth * zoom;
    image.height = image.naturalHeight * zoom;
    const mark = h("div", { class: "tile-frame" });
    const which = h("output", null);
    const alone = h("a", { class: "button" }, "This image alone");
    const number = h("input", {
      type: "number",
      min: 0,
      max: said.n - 1,
      value: "0",
      oninput: () => see(number.valueAsNumber),
    });
    /** @param {number | null} tile */
    const see = (tile) => {
      if (tile === null || !(tile >= 0 && tile < said.n)) return;
      const shown = image.clientWidth / image.naturalWidth;
      const [x, y] = cornerOf(grid, tile);
      Object.assign(mark.style, { left: `${x * shown}px`, top: `${y * shown}px` });
      Object.assign(mark.style, { width: `${grid.width * shown}px`, height: `${grid.height * shown}px` });
      number.value = String(tile);
      which.textContent = `is image k = ${said.start + tile} of the seed.`;
      alone.href = hash("inspect", { ...alike, n: 1, start: said.start + tile });
    };
    const point = (/** @type {PointerEvent} */ event) => {
      const shown = image.clientWidth / image.naturalWidth;
      see(tileAt(grid, event.offsetX / shown, event.offsetY / shown));
    };
    image.addEventListener("pointermove", point);
    image.addEventListener("pointerdown", point);
    fill(
      this,
      h("h1", null, "Where this picture is from"),
      h(
        "div",
        { class: "inspected" },
        h("div", { class: "with-frame" }, image, said.n > 1 && mark),
        h(
          "section",
          { class: "stack" },
          verdict,
          facts(said, query),
          said.n > 1 && h("p", null, h("label", null, "Tile ", number), " ", which),
          h(
            "p",
            { class: "row" },
            h("a", { class: "button", href: hash("draw", query) }, "Open this view"),
            h(
              "a",
              { class: "button", href: hash("draw", { ...query, start: said.start + said.n }) },
              "More like this",
            ),
            said.n > 1 && alone,
          ),
        ),
      ),
    );
    see(0);
    fill(verdict, await this.#compare(png, said));
  }

  /** @param {Blob} png @param {Said} said @returns {Promise<Node>} */
  async #compare(png, { url, on_shelf }) {
    if (!on_shelf) {
      return h("span", { class: "problem" }, "Its model is not on the shelf here, so it cannot be drawn again.");
    }
    const answer = await ask(at(url), { signal: this.leaving });
    const [ours, theirs] = await Promise.all([answer.arrayBuffer(), png.arrayBuffer()]);
    const other = new Uint8Array(theirs);
    const isSame = ours.byteLength === other.length && new Uint8Array(ours).every((byte, k) => byte === other[k]);
    return isSame
      ? h("span", { class: "tag good" }, "✓ Genuine: drawn again, it has the same bytes.")
      : h("span", { class: "problem" }, "✗ Drawn again it has other bytes: this file was changed after it was drawn.");
  }
}

/** @param {Said} said @param {Record<string, string>} query */
function facts({ model, seed, start, n }, query) {
  const {
    n: _n,
    start: _start,
    seed: _seed,
    model: _model,
    format: _format,
    cols: _cols,
    pad: _pad,
    scale: _scale,
    ...rest
  } = query;
  const rows = [
    ["Model", h("code", null, model)],
    ["Seed", query.at ? `the point ${query.at} of the plane` : String(seed)],
    ["Images", n === 1 ? `k = ${start}` : `k = ${start} to ${start + n - 1}`],
    ...Object.entries(rest),
  ];
  return h(
    "table",
    null,
    h("tbody", null, rows.map(([name, value]) => h("tr", null, h("th", { scope: "row" }, name), h("td", null, value)))),
  );
}
