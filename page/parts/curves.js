import { fill, h, s } from "../lib/dom.js";

/**
 * @typedef {Object} Series A line of a chart.
 * @property {string} name
 * @property {1 | 2 | 3 | 4} colour Of the colours of runs.
 * @property {[number, number | null][]} points By x, ascending; without a value there is no point.
 *
 * @typedef {Object} Level A value that holds for all x, such as the floor.
 * @property {string} name
 * @property {number | null | undefined} value Without one it is left out.
 */

const HEIGHT = 170;
const LEFT = 46, RIGHT = 8, TOP = 10, BOTTOM = 24;
const LOG_LEAST = 1e-4;
const DIGITS = new Intl.NumberFormat("en", { maximumSignificantDigits: 3, useGrouping: false });

/** @param {number | null | undefined} value Three digits of it, or a dash. */
export const short = (value) => value === null || value === undefined ? "–" : DIGITS.format(value);

/**
 * Values for an axis: 1, 2 or 5 times a power of ten, at most `most` of them, all from `low` to `high`.
 *
 * @param {number} low
 * @param {number} high
 * @param {number} [most]
 * @returns {number[]}
 */
export function ticks(low, high, most = 5) {
  const rough = (high - low) / most || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((n) => n * power).find((one) => one >= rough * 0.999) ?? power;
  const found = [];
  for (let n = Math.ceil(low / step - 1e-9); n * step <= high + step * 1e-9; n++) {
    found.push(Number((n * step).toPrecision(12)));
  }
  return found;
}

/**
 * The same for a logarithmic axis: whole decades; 2 and 5 of each where they are few; as on others where these are, too.
 *
 * @param {number} low Over 0.
 * @param {number} high
 * @returns {number[]}
 */
export function logTicks(low, high) {
  const decades = Array.from({ length: 12 }, (_, k) => 10 ** (k - 5));
  const within = (/** @type {number} */ one) => one >= low * 0.999 && one <= high * 1.001;
  const whole = decades.filter(within);
  if (whole.length > 2) return whole;
  const found = decades.flatMap((one) => [one, 2 * one, 5 * one]).filter(within);
  return found.length > 1 ? found : ticks(low, high, 3);
}

/**
 * Where the cursor is, the values of each series: that of the last point that is not right of it.
 *
 * @param {Series} series
 * @param {number} x
 */
export function valueAt({ points }, x) {
  return points.findLast(([one, value]) => one <= x && value !== null)?.[1] ?? null;
}

/**
 * Curves as SVG with a legend that says the values at the cursor, and a table for who cannot see them.
 *
 * The number of elements does not grow with the points. Dragging over a chart calls `pick` with the x that is nearest.
 */
export class Chart {
  /** @type {Series[]} */ #series = [];
  /** @type {Level[]} */ #levels = [];
  /** @type {number | null} */ #x = null;
  /** @type {(x: number) => number} */ #toX = () => 0;
  #width = 0;

  /**
   * @param {{ title: string, note?: string, x?: string, log?: boolean, least?: number, most?: number }} about `x` names
   *   the axis; `least` and `most` are values that it shows in any case.
   * @param {(x: number) => void} [pick]
   */
  constructor(about, pick = () => {}) {
    this.about = { x: "epoch", ...about };
    this.svg = s("svg", { role: "img", "aria-label": about.title, height: HEIGHT });
    this.cursor = s("line", { class: "cursor", y1: TOP, y2: HEIGHT - BOTTOM });
    this.legend = h("ul", { class: "legend" });
    this.table = h("table");
    const numbers = h("details", { ontoggle: () => this.#fillTable() }, h("summary", null, "Numbers"));
    numbers.append(
      h("div", { class: "scroll", tabIndex: 0, role: "group", "aria-label": `${about.title}, numbers` }, this.table),
    );
    this.numbers = numbers;
    this.element = h(
      "figure",
      { class: "chart" },
      h("figcaption", null, h("b", null, about.title), about.note && h("small", null, ` ${about.note}`)),
      this.svg,
      this.legend,
      numbers,
    );
    const picked = (/** @type {PointerEvent} */ event) => {
      const x = this.#nearest(event.clientX - this.svg.getBoundingClientRect().left);
      if (x !== null) pick(x);
    };
    this.svg.addEventListener("pointerdown", picked);
    this.svg.addEventListener("pointermove", (event) => {
      if (event.buttons) return picked(event);
      const x = this.#nearest(event.clientX - this.svg.getBoundingClientRect().left);
      if (x !== null) this.#point(x);
    });
    this.svg.addEventListener("pointerleave", () => this.#point(this.#x));
    new ResizeObserver(() => {
      const width = Math.round(this.svg.getBoundingClientRect().width);
      if (width && width !== this.#width) {
        this.#width = width;
        this.#draw();
      }
    }).observe(this.element);
  }

  /**
   * @param {Series[]} series
   * @param {Level[]} [levels]
   */
  show(series, levels = []) {
    this.#series = series;
    this.#levels = levels.filter(({ value }) => value !== null && value !== undefined);
    this.element.hidden = !series.some(({ points }) => points.some(([, value]) => value !== null));
    this.#draw();
    this.#fillTable();
  }

  /** @param {number | null} x Where the cursor rests. */
  mark(x) {
    this.#x = x;
    this.#point(x);
  }

  #draw() {
    if (!this.#width || this.element.hidden) return;
    const { log, x: name, least, most } = this.about;
    const points = this.#series.flatMap((one) => one.points).filter(([, value]) => value !== null);
    const values = [...points.map(([, value]) => Number(value)), ...this.#levels.map(({ value }) => Number(value))];
    if (!log) values.push(least ?? 0, ...(most === undefined ? [] : [most]));
    const bent = (/** @type {number} */ value) => log ? Math.log10(Math.max(value, LOG_LEAST)) : value;
    let low = Math.min(...values.map(bent)), high = Math.max(...values.map(bent));
    if (high - low < 1e-9) high = low + 1;
    if (log) [low, high] = [low - 0.05 - (this.#levels.length && (high - low) / 8), high + 0.05]; // room for a name
    const first = Math.min(0, ...points.map(([x]) => x)), last = Math.max(1, ...points.map(([x]) => x));
    const right = this.#width - RIGHT, bottom = HEIGHT - BOTTOM;
    const toX = (/** @type {number} */ x) => LEFT + (x - first) / (last - first) * (right - LEFT);
    const toY = (/** @type {number} */ value) => bottom - (bent(value) - low) / (high - low) * (bottom - TOP);
    this.#toX = toX;
    this.svg.setAttribute("viewBox", `0 0 ${this.#width} ${HEIGHT}`);
    const rows = log ? logTicks(10 ** low, 10 ** high) : ticks(low, high, 4);
    fill(
      this.svg,
      rows.map((value) => s("path", { class: "axis", d: `M${LEFT} ${toY(value)}H${right}` })),
      rows.map((value) => s("text", { x: LEFT - 6, y: toY(value) + 4, "text-anchor": "end" }, short(value))),
      ticks(first, last, Math.min(last - first, this.#width / (35 + 7 * name.length))).map((x) =>
        x === first
          ? s("text", { x: LEFT - 3, y: HEIGHT - 6 }, `${short(x)} ${name}`)
          : s("text", { x: toX(x), y: HEIGHT - 6, "text-anchor": "middle" }, short(x))
      ),
      this.#levels.map(({ value }) => s("path", { class: "level", d: `M${LEFT} ${toY(Number(value))}H${right}` })),
      this.#levels.map(({ name, value }, k) =>
        s("text", { class: "halo", x: right, y: toY(Number(value)) + (k ? -4 : 12), "text-anchor": "end" }, name)
      ),
      this.#series.flatMap(({ colour, points }) => {
        const there = points.filter(([, value]) => value !== null)
          .map(([x, value]) => `${toX(x).toFixed(1)} ${toY(Number(value)).toFixed(1)}`);
        const line = s("path", { class: `line run-${colour}`, d: there.length ? `M${there.join("L")}` : "" });
        const dots = there.length < 40 ? there.map((one) => `M${one}h0`).join("") : "";
        return [line, s("path", { class: `dots run-${colour}`, d: dots })];
      }),
      this.cursor,
    );
    this.#point(this.#x);
  }

  /** @param {number | null} x */
  #point(x) {
    this.cursor.toggleAttribute("hidden", x === null);
    if (x !== null) {
      const at = String(this.#toX(x));
      this.cursor.setAttribute("x1", at);
      this.cursor.setAttribute("x2", at);
    }
    const where = x ?? Infinity;
    fill(
      this.legend,
      this.#series.map((one) =>
        h("li", { class: `run-${one.colour}` }, `${one.name} `, h("b", null, short(valueAt(one, where))))
      ),
    );
  }

  /** @param {number} across In pixels from the left. */
  #nearest(across) {
    /** @type {number | null} */ let best = null;
    for (const { points } of this.#series) {
      for (const [x] of points) {
        if (best === null || Math.abs(this.#toX(x) - across) < Math.abs(this.#toX(best) - across)) best = x;
      }
    }
    return best;
  }

  #fillTable() {
    if (!this.numbers.open) return;
    const xs = [...new Set(this.#series.flatMap(({ points }) => points.map(([x]) => x)))].sort((a, b) => a - b);
    const maps = this.#series.map(({ points }) => new Map(points));
    fill(
      this.table,
      h("caption", null, this.#levels.map(({ name, value }) => `${name}: ${short(value)}. `).join("")),
      h(
        "tr",
        null,
        h("th", { scope: "col" }, this.about.x),
        this.#series.map(({ name }) => h("th", { scope: "col" }, name)),
      ),
      xs.map((x) =>
        h("tr", null, h("th", { scope: "row" }, short(x)), maps.map((map) => h("td", null, short(map.get(x)))))
      ),
    );
  }
}
