/**
 * What `#compare` compares, as the query of its link, and what follows from it. Pure.
 *
 * @typedef {Object} Comparison
 * @property {string[]} names Of two to four models or checkpoints, the first of them what the others are compared with.
 * @property {number} seed
 * @property {number} n How many images each draws.
 * @property {number} tile Which of them is enlarged.
 * @property {Mode} mode
 * @property {number} over Which of `names` lies over the first one.
 * @property {"kimg" | "epoch"} by What the time slider takes as equal.
 *
 * @typedef {typeof MODES[number]} Mode
 * @typedef {{ epoch: number, kimg: number, losses: Record<string, number>, scores: any }} Point
 */

export const MODES = /** @type {const} */ (["side", "swipe", "blink", "difference"]);
export const COUNTS = [16, 36, 64];
const LETTERS = "abcd";

/**
 * @param {Record<string, string>} query What is not allowed is its default.
 * @returns {Comparison}
 */
export function read(query) {
  const names = [...LETTERS].flatMap((letter) => query[letter] ? [query[letter]] : []);
  const n = COUNTS.find((one) => one === Number(query.n)) ?? 16;
  return {
    names,
    seed: whole(query.seed, 1, 0, Number.MAX_SAFE_INTEGER),
    n,
    tile: whole(query.tile, 0, 0, n - 1),
    mode: MODES.find((one) => one === query.mode) ?? "side",
    over: whole(String(LETTERS.indexOf(query.over || " ")), 1, 1, names.length - 1),
    by: query.by === "epoch" ? "epoch" : "kimg",
  };
}

/**
 * @param {Comparison} comparison
 * @returns {Record<string, string | number | null>} `read` gives it back; defaults are null.
 */
export function write({ names, seed, n, tile, mode, over, by }) {
  return {
    ...Object.fromEntries(names.map((name, k) => [LETTERS[k] ?? "", name])),
    seed: seed === 1 ? null : seed,
    n: n === 16 ? null : n,
    tile: tile || null,
    mode: mode === "side" ? null : mode,
    over: over === 1 ? null : LETTERS[over] ?? null,
    by: by === "kimg" ? null : by,
  };
}

/**
 * @param {string} name Of a checkpoint, such as `4f0c@12` or `4f0c@latest`, or of a model.
 * @returns {{ job: string, epoch: string } | null}
 */
export function checkpoint(name) {
  const [job, epoch] = name.split("@");
  return job && epoch ? { job, epoch } : null;
}

/**
 * @param {(Record<string, unknown> | null)[]} recipes
 * @returns {[string, unknown[]][]} The knobs in which they differ, each with its values.
 */
export function differences(recipes) {
  const knobs = new Set(recipes.flatMap((recipe) => Object.keys(recipe ?? {})));
  return [...knobs].map((knob) => /** @type {[string, unknown[]]} */ ([knob, recipes.map((one) => one?.[knob])]))
    .filter(([, values]) => new Set(values).size > 1);
}

/**
 * @param {Point[]} points Of a run, in order.
 * @param {"kimg" | "epoch"} by
 * @param {number} x
 * @returns {Point | undefined} The run as it was then: the last that is not later, or the first.
 */
export function then(points, by, x) {
  return points.findLast((point) => point[by] <= x + 1e-9) ?? points[0];
}

/**
 * @param {Point[][]} runs
 * @param {"kimg" | "epoch"} by
 * @returns {number[]} The times at which any of them has a checkpoint, ascending.
 */
export function times(runs, by) {
  return [...new Set(runs.flat().map((point) => point[by]))].sort((one, other) => one - other);
}

/**
 * @param {string | undefined} text
 * @param {number} fallback
 * @param {number} least
 * @param {number} most
 */
function whole(text, fallback, least, most) {
  const value = Number(text || fallback);
  return Number.isInteger(value) && value >= least && value <= most ? value : fallback;
}
