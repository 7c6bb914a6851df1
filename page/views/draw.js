import { ask, at, Problem } from "../lib/api.js";
import { ACROSS, change, count, read, request, single, write } from "../lib/drawing.js";
import { fill, h } from "../lib/dom.js";
import { decoded, Newest } from "../lib/newest.js";
import { go, hash } from "../lib/place.js";
import { View } from "../lib/view.js";
import { chips, field, number } from "../parts/fields.js";
import { Grid } from "../parts/grid.js";
import { Plane } from "../parts/plane.js";
import { Sliders } from "../parts/sliders.js";
import { findSource, offerSources, sourceSelect } from "../parts/source.js";
import { Tile } from "../parts/tile.js";

/** @typedef {import("../lib/drawing.js").Drawing} Drawing */

const SETTLED_MS = 250; // after which the address follows what is dragged
const PAD = 2;
const SEEDS = 10_000; // another seed is below: short enough to be told across a room
const LAST = Number.MAX_SAFE_INTEGER;

/** Images of a model: a grid of a seed, a point of the plane, a walk between two seeds. */
export class DrawView extends View {
  heading = "Draw";
  #drawing = read({});
  #url = "";
  /** @type {HTMLImageElement | null} */
  #image = null;
  #side = 28; // of an image, until one is there
  #isStill = matchMedia("(prefers-reduced-motion: reduce)").matches;
  /** @type {import("../parts/source.js").Source | null} */
  #source = null;
  #sourceOf = "";
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  #newest = new Newest(decoded, (image) => this.#arrived(image), (url) => this.#failed(url));
  #grid = new Grid((tile) => this.#go({ tile }));
  #plane = new Plane((point) => this.#preview({ at: point }));
  #sliders = new Sliders((nudge) => this.#preview({ nudge }));
  #tile = new Tile((tile) => {
    if (tile === null) this.#grid.focus(this.#drawing.tile ?? 0);
    this.#go({ tile }, true);
  });

  #modes = h("nav", { class: "row", "aria-label": "What to draw" });
  #another = h("button", { type: "button", class: "primary", onclick: () => this.#reseed() }, "Another seed");
  #play = h("button", { type: "button", onclick: () => this.#toggle() });
  #stage = h("div", { class: "stage" });
  #explained = h("p");
  #caption = h("p", { class: "soft", "aria-live": "polite" });
  #problem = h("p", { class: "problem", role: "alert", hidden: true });
  #chips = h("div");
  #classes = h("fieldset", { class: "classes", hidden: true }, h("legend", null, "Classes"), this.#chips);
  #truncation = h("input", {
    type: "range",
    min: "0",
    max: "1",
    step: "0.05",
    oninput: () => this.#preview({ truncation: this.#truncation.valueAsNumber }),
  });
  #fields = {
    model: field(
      "Model",
      "A generator G that a training made.",
      sourceSelect((choice) => this.#go({ ...choice, tile: null, nudge: {}, classes: [] })),
    ),
    seed: field(
      "Seed",
      "z is made from it: the same seed draws the same images again.",
      number(0, LAST, (seed) => this.#go({ seed: seed ?? 0 })),
    ),
    to: field("To seed", "Each z turns into that of this seed.", number(0, LAST, (to) => this.#go({ to }))),
    n: field("Images", "", number(1, 256, (n) => this.#go({ n, tile: null }))),
    scale: field("Pixel size", "Empty: as large as fits.", number(1, 8, (scale) => this.#go({ scale }))),
    truncation: field(
      "Truncation",
      "Scales z. Less of it draws images that are more typical, and more alike.",
      this.#truncation,
    ),
  };

  /** @param {import("../lib/place.js").Place} place */
  show({ query }) {
    if (!this.firstChild) this.#build();
    clearTimeout(this.#timer);
    this.#drawing = read(query);
    this.#draw();
    this.#fillControls();
    const { model, dataset } = this.#drawing;
    if (`${model} ${dataset}` !== this.#sourceOf) this.#know(`${model} ${dataset}`);
    else this.#refine();
  }

  #build() {
    const full = h("button", { type: "button", onclick: () => this.#stage.requestFullscreen() }, "Full screen");
    full.hidden = !document.fullscreenEnabled;
    const bar = h(
      "div",
      { class: "row between" },
      this.#modes,
      h("div", { class: "row" }, this.#play, this.#another, full),
    );
    const picture = h("section", { class: "card stack" }, bar, this.#stage, this.#problem, this.#caption);
    const { model, seed, to, ...others } = this.#fields;
    const controls = h("div", { class: "card stack controls" }, model, seed, to, this.#classes, Object.values(others));
    fill(
      this,
      h("h1", null, "Draw"),
      this.#explained,
      h("div", { class: "draw" }, h("div", { class: "stack" }, picture, this.#sliders.element), controls),
      this.#tile.element,
    );
    const again = () => this.#image && this.#lay(this.#image);
    addEventListener("resize", again, { signal: this.leaving });
    document.addEventListener("fullscreenchange", again, { signal: this.leaving });
  }

  /** @param {Partial<Drawing>} changes @param {boolean} [replace] */
  #go(changes, replace) {
    go(hash("draw", write(change(this.#drawing, changes))), { replace });
  }

  #reseed() {
    this.#go({ seed: Math.floor(Math.random() * SEEDS), tile: null });
  }

  #toggle() {
    this.#isStill = !this.#isStill;
    this.#draw();
    this.#fillControls();
  }

  /** @param {Partial<Drawing>} changes Drawn at once; the address follows when it rests. */
  #preview(changes) {
    this.#drawing = change(this.#drawing, changes);
    this.#draw();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#go({}, true), SETTLED_MS);
  }

  /** Ask for the picture, if it is another one: before all else. */
  #draw() {
    const { at: point, to } = this.#drawing;
    const drawing = point ? this.#pinned : { ...this.#drawing, to: this.#isStill ? null : to };
    const columns = Math.floor((this.#room[0] + this.#pad) / (this.#side + this.#pad));
    const url = at("/generate", request(drawing, Math.max(1, columns)));
    if (url !== this.#url) this.#newest.want(this.#url = url);
  }

  /** What is drawn, by the model that draws it now. */
  get #pinned() {
    const { id } = this.#source ?? {};
    return id ? { ...this.#drawing, model: id, dataset: null } : this.#drawing;
  }

  get #pad() {
    return Number(this.#drawing.rest.pad ?? PAD);
  }

  /** @returns {[number, number]} Width and height that the picture may have. */
  get #room() {
    if (document.fullscreenElement) return [innerWidth, innerHeight];
    const { width, top } = this.#stage.getBoundingClientRect();
    const isBeside = this.#drawing.at && innerWidth >= 640; // as in the style
    return [isBeside ? width / 2 - 12 : width, Math.max(240, innerHeight - top - scrollY - 60)];
  }

  /** @param {HTMLImageElement} image */
  #arrived(image) {
    this.#image = image;
    this.#problem.hidden = true;
    for (const old of this.querySelectorAll(".controls .problem")) old.remove();
    this.#lay(image);
  }

  /** @param {HTMLImageElement} image */
  #lay(image) {
    const { at: point, to, start, scale } = this.#drawing;
    const asked = new URL(image.src).searchParams;
    const [columns, many] = [Number(asked.get("cols")), Number(asked.get("n"))];
    this.#side = (image.naturalWidth + this.#pad) / columns - this.#pad;
    this.#stage.classList.toggle("two", !!point);
    if (this.#stage.childElementCount !== (point ? 2 : 1)) {
      fill(this.#stage, point && this.#plane.element, this.#grid.element);
    }
    const names = Array.from({ length: point || to === null ? many : 0 }, (_, k) => `Image ${start + k}`);
    this.#grid.show(image, { columns, pad: this.#pad, scale, room: this.#room, names });
    this.#showPlane();
    this.#draw(); // with other columns, where the images turned out larger
  }

  #showPlane() {
    const drawing = this.#pinned;
    const url = (/** @type {number} */ seed) => at("/generate", single({ ...drawing, at: null, seed }, 0));
    if (drawing.at && this.#source) this.#plane.show(drawing.at, url);
  }

  /** @param {string} url What was not drawn; asked for once more, for the service's words. */
  async #failed(url) {
    try {
      await ask(url, { signal: this.leaving });
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      const fields = /** @type {Record<string, HTMLElement>} */ ({ ...this.#fields, class: this.#classes });
      const general = error.errors.filter(({ parameter = "", detail }) => {
        const place = fields[{ dataset: "model", digit: "class", interpolate: "to" }[parameter] ?? parameter];
        place?.append(h("span", { class: "problem", role: "alert" }, detail));
        return !place || place.hidden;
      });
      this.#problem.hidden = !general.length && error.errors.length > 0;
      fill(this.#problem, general.map(({ detail }) => detail).join(" ") || error.message);
    }
  }

  #fillControls() {
    const drawing = this.#drawing;
    const mode = drawing.at ? "Plane" : drawing.to !== null ? "Walk" : "Grid";
    const values = { ...drawing, n: count(drawing) };
    for (const name of /** @type {const} */ (["seed", "to", "n", "scale", "truncation"])) {
      const { input } = this.#fields[name];
      if (input !== document.activeElement || input === this.#truncation) input.value = String(values[name] ?? "");
    }
    this.#fields.seed.hidden = this.#another.hidden = mode === "Plane";
    this.#fields.to.hidden = this.#play.hidden = mode !== "Walk";
    fill(this.#play, this.#isStill ? "Play" : "Stop");
    fill(
      this.#modes,
      Object.entries(modes(drawing)).map(([name, to]) =>
        h("a", { class: "button", href: hash("draw", write(to)), "aria-current": name === mode && "page" }, name)
      ),
    );
    fill(this.#caption, caption(drawing));
  }

  /** @param {string} named What the service says of the model, once the picture is asked for. */
  async #know(named) {
    this.#sourceOf = named;
    offerSources(this.#fields.model.input, this.#drawing, this.leaving).catch(() => {});
    const found = await findSource(this.#drawing, this.leaving);
    if (named !== this.#sourceOf) return;
    this.#source = found;
    fill(this.#explained, `G, the generator, turns z (${found?.z ?? "some"} random numbers) into an image.`);
    this.#refine();
  }

  /** What has to know the model. */
  #refine() {
    if (!this.#source) return;
    const { id, classes } = this.#source;
    fill(this.#chips, chips(classes, this.#drawing.classes, (classes) => this.#go({ classes, n: null, tile: null })));
    this.#classes.hidden = !classes.length;
    this.#showPlane();
    this.#tile.show(this.#pinned);
    this.#sliders.show(this.#pinned, id, this.leaving);
  }
}

/**
 * @param {Drawing} drawing
 * @returns {Record<string, Drawing>} What else may be drawn from here.
 */
function modes(drawing) {
  const { at: point } = drawing;
  const seed = point ? Math.round(point[0]) + ACROSS * Math.round(point[1]) : drawing.seed;
  const grid = change(drawing, { seed, n: null, at: null, to: null, tile: null });
  const plane = { ...grid, at: point ?? /** @type {[number, number]} */ ([seed % ACROSS, Math.floor(seed / ACROSS)]) };
  return { Grid: grid, Plane: plane, Walk: { ...grid, to: seed + 1 } };
}

/** @param {Drawing} drawing */
function caption({ at: point, seed, to, ...drawing }) {
  if (point) {
    return `Point ${point.join(", ")}. Whole points are seeds, between them z is mixed. Drag, or use the arrow keys, ` +
      "with Shift in fine steps.";
  }
  if (to !== null) return `From seed ${seed} to seed ${to}: a small step of z is a small step of the image.`;
  return `Seed ${seed}, from image ${drawing.start} on. Choose an image to see it large.`;
}
