import { Problem } from "../lib/api.js";
import { fill, h } from "../lib/dom.js";
import { follow } from "../lib/feed.js";
import { go, hash, parse } from "../lib/place.js";
import { View } from "../lib/view.js";
import { Chart } from "../parts/curves.js";
import { checkpoint, COUNTS, MODES, read, then, times, write } from "../parts/comparison.js";
import { choosers, differing, LETTERS, scoresTable, verdicts } from "../parts/differences.js";
import { Pictures } from "../parts/pictures.js";
import { Sides } from "../parts/sides.js";

/** @typedef {import("../parts/comparison.js").Comparison} Comparison */
/** @typedef {import("../parts/sides.js").Side} Side */
/** @typedef {import("../parts/curves.js").Series} Series */

/** @type {Record<string, [string, string]>} */
const WAYS = {
  side: ["Side by side", "Equal seeds give all the same z, the random numbers that G makes an image of."],
  swipe: ["Swipe", "Left of the line is A, right of it the other."],
  blink: ["Blink", "Press the button again and again: the eye sees what changes."],
  difference: ["Difference", "Black is equal; the brighter, the more they differ."],
};
const AXES = { kimg: "thousand images", epoch: "epoch" };

/** Two to four models, or runs as they were at an epoch. */
export class CompareView extends View {
  heading = "Compare";
  #now = read({});
  /** @type {Side[]} */ #sides = [];
  #sources = new Sides(this.leaving);
  #turn = 0;

  #choosers = h("div", { class: "row above" });
  #said = h("div", { role: "alert" });
  #pictures = new Pictures((tile) => this.#change({ tile }));
  #modes = MODES.map((mode) =>
    h("button", { type: "button", onclick: () => this.#change({ mode }) }, WAYS[mode]?.[0] ?? mode)
  );
  #over = h("select", { "aria-label": "What lies over A", onchange: () => this.#change({ over: +this.#over.value }) });
  #help = h("p", { class: "soft" });
  #seed = h("input", { type: "number", min: "0", onchange: () => this.#change({ seed: +this.#seed.value }) });
  #tile = h("input", { type: "number", min: "0", onchange: () => this.#change({ tile: +this.#tile.value }) });
  #count = h(
    "select",
    { onchange: () => this.#change({ n: +this.#count.value, tile: 0 }) },
    COUNTS.map((n) => h("option", null, n)),
  );
  #time = h("input", {
    type: "range",
    "aria-label": "Time",
    min: "0",
    oninput: () => this.#at(this.#times()[+this.#time.value] ?? 0),
  });
  #when = h("output");
  #by = h(
    "select",
    {
      "aria-label": "What is equal",
      onchange: () => this.#change({ by: this.#by.value === "epoch" ? "epoch" : "kimg" }),
    },
    h("option", { value: "kimg" }, "at equal images shown"),
    h("option", { value: "epoch" }, "at equal epochs"),
  );
  #slider = h("div", { class: "card row above when" }, h("div", null, "Time: ", this.#when, this.#time), this.#by);
  #trainings = h("p");
  #told = h("div");
  #charts = ["Fréchet distance", "Loss of D", "Loss of G"].map((title, k) =>
    new Chart({ title, log: k === 0 }, (x) => this.#at(x))
  );
  #curves = h(
    "section",
    null,
    h("h2", null, "Curves of their trainings"),
    h("div", { class: "models" }, this.#charts.map(({ element }) => element)),
  );
  #body = h(
    "div",
    { hidden: true },
    h(
      "div",
      { class: "row above" },
      h("label", null, "Seed ", this.#seed),
      h("label", null, "Images ", this.#count),
      h("div", { class: "row", role: "group", "aria-label": "How to look" }, this.#modes),
      this.#over,
    ),
    this.#slider,
    this.#help,
    this.#pictures.tools,
    this.#pictures.stage,
    this.#trainings,
    h("h2", null, "One image of each"),
    h("p", null, h("label", null, "Image ", this.#tile), h("small", null, " Or click one above; the first is 0.")),
    this.#pictures.large,
    this.#told,
    this.#curves,
  );

  /** @param {import("../lib/place.js").Place} place */
  async show({ query }) {
    if (!this.firstChild) this.#enter();
    const turn = ++this.#turn, now = read(query);
    const [models, runs] = await Promise.all([this.#sources.models(), this.#sources.runs()]);
    if (!now.names.length) {
      const { previous, active, data } = models;
      const other = previous ?? data.find((/** @type {{ id: string }} */ { id }) => id !== active)?.id;
      now.names = other ? [other, active] : [active];
      if (turn === this.#turn) go(hash("compare", write(now)), { replace: true });
      return;
    }
    const found = await Promise.allSettled(now.names.map((name) => this.#sources.side(name)));
    if (turn !== this.#turn) return;
    this.#now = now;
    const focused = document.activeElement?.id;
    fill(this.#choosers, choosers(now.names, models.data, runs, (names) => this.#change({ names, over: 1 })));
    if (focused) document.getElementById(focused)?.focus();
    const problems = found.map((one) => one.status === "rejected" ? one.reason : null);
    for (const problem of problems) if (problem && !(problem instanceof Problem)) throw problem;
    fill(this.#said, problems.map((one, k) => one && h("p", { class: "problem" }, `${LETTERS[k]}: ${one.message}`)));
    this.#body.hidden = problems.some((one) => one !== null);
    this.#sides = found.flatMap((one) => one.status === "fulfilled" ? [one.value] : []);
    if (!this.#body.hidden) this.#fill();
  }

  #enter() {
    fill(
      this,
      h("h1", null, "Compare"),
      h(
        "p",
        null,
        "What did a training gain? At first, A is the model that was active before, and B the active one. Look at the same seeds, then at the scores.",
      ),
      this.#choosers,
      this.#said,
      this.#body,
    );
    const { leaving: signal } = this;
    addEventListener("resize", () => this.#body.hidden || this.#pictures.show(this.#sides, this.#now), { signal });
    follow(({ type, job }) => {
      if (type !== "epoch" || !this.#sides.some((side) => side.job === job)) return;
      this.#sources.forget(job);
      this.show(parse(location.hash));
    }, { signal });
  }

  #fill() {
    const sides = this.#sides, now = this.#now;
    const alike = new Set(sides.map(({ shape }) => JSON.stringify(shape))).size === 1 && sides.length > 1;
    if (!alike) now.mode = "side";
    this.#modes.forEach((button, k) => {
      button.setAttribute("aria-pressed", String(MODES[k] === now.mode));
      button.disabled = !alike && MODES[k] !== "side";
    });
    fill(
      this.#over,
      LETTERS.slice(1, sides.length).map((letter, k) => h("option", { value: k + 1 }, `${letter} over A`)),
    );
    this.#over.value = String(now.over);
    this.#over.hidden = now.mode === "side" || sides.length < 3;
    this.#help.textContent = sides.length < 2
      ? "Choose B, to compare it with A."
      : alike
      ? WAYS[now.mode]?.[1] ?? ""
      : "Their images differ in size or colours, so one cannot lie over the other.";
    this.#seed.value = String(now.seed);
    this.#count.value = String(now.n);
    this.#tile.value = String(now.tile);
    this.#tile.max = String(now.n - 1);
    this.#by.value = now.by;
    const running = this.#running(), all = this.#times();
    const x = Math.max(...running.map((side) => side[now.by]));
    this.#slider.hidden = all.length < 2;
    this.#time.max = String(all.length - 1);
    this.#time.value = String(all.findLastIndex((one) => one <= x + 1e-9));
    this.#when.textContent = `${
      running.map(({ name, epoch }) => `${this.#letter(name)} at epoch ${epoch}`).join(", ")
    }`;
    this.#time.setAttribute("aria-valuetext", this.#when.textContent);
    const pinned = sides.some(({ name, points }) => !checkpoint(name) && points.length > 1);
    const names = sides.map(({ name, job, epoch, points }) => points.length > 1 ? `${job}@${epoch}` : name);
    fill(
      this.#trainings,
      pinned &&
        h("a", { href: hash("compare", { ...write({ ...now, names }) }) }, "Go back in time through their trainings"),
    );
    this.#pictures.show(sides, now);
    fill(this.#told, verdicts(sides), scoresTable(sides), differing(sides));
    this.#draw(Number.isFinite(x) ? x : null);
  }

  /** @param {number | null} x */
  #draw(x) {
    const { by } = this.#now;
    const series = (/** @type {(point: import("../parts/comparison.js").Point) => number | undefined} */ value) =>
      this.#sides.map(({ points }, k) => /** @type {Series} */ ({
        name: LETTERS[k],
        colour: k + 1,
        points: points.map((point) => [point[by], value(point) ?? null]),
      })).filter(({ points }) => points.length > 1);
    const [frechet, d, g] = this.#charts;
    for (const chart of this.#charts) chart.about = { ...chart.about, x: AXES[by] };
    frechet?.show(series(({ scores }) => scores?.frechet));
    d?.show(series(({ losses }) => losses.loss_d));
    g?.show(series(({ losses }) => losses.loss_g));
    for (const chart of this.#charts) chart.mark(x);
    this.#curves.hidden = this.#charts.every(({ element }) => element.hidden);
  }

  /** @param {string} name */
  #letter(name) {
    return LETTERS[this.#now.names.indexOf(name)];
  }

  #running() {
    return this.#sides.filter(({ name }) => checkpoint(name));
  }

  #times() {
    return times(this.#running().map(({ points }) => points), this.#now.by);
  }

  /** @param {number} x Where the runs go, in what is equal. */
  #at(x) {
    const names = this.#sides.map(({ name, job, points }) =>
      checkpoint(name) ? `${job}@${then(points, this.#now.by, x)?.epoch}` : name
    );
    this.#change({ names });
  }

  /** @param {Partial<Comparison>} part */
  #change(part) {
    const names = part.names ?? this.#now.names;
    go(hash("compare", write({ ...this.#now, ...part, names })), { replace: !part.names || names.some(checkpoint) });
  }
}
