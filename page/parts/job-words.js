/**
 * A job in words, and what its warnings advise as a link. Pure functions.
 */

/** @param {number | null | undefined} seconds */
export function duration(seconds) {
  if (seconds === null || seconds === undefined) return "";
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}

/** The part of a job that is behind it, 0 to 1; null where nobody knows. @param {any} progress */
export function share(progress) {
  const [done, of] = progress?.total_steps ? [progress.step, progress.total_steps] : [progress?.done, progress?.total];
  return of ? Math.min(1, done / of) : null;
}

const ENDS = /** @type {Record<string, [string, string]>} */ ({
  succeeded: ["Finished", "good"],
  failed: ["Failed", "bad"],
  cancelled: ["Cancelled", ""],
  paused: ["Paused", "warn"],
  queued: ["Waiting", ""],
});

export const hasEnded = (/** @type {string} */ status) => ["succeeded", "failed", "cancelled"].includes(status);

/**
 * The status of a job as a word or two, and its kind for the tag: `good`, `warn`, `bad` or none.
 *
 * @param {{ status: string, request?: string | null, kind?: string }} job
 * @returns {[string, string]}
 */
export function statusWord({ status, request, kind }) {
  if (request === "cancel") return ["Is being cancelled", "warn"];
  if (request === "pause") return ["Pauses soon", "warn"];
  return ENDS[status] ?? [kind === "import" ? "Reads images" : "Trains", ""];
}

/** What a running job is at, in one line. @param {any} progress @param {any} [judging] */
export function progressLine(progress, judging) {
  if (progress?.phase) {
    const of = progress.total ? ` of ${progress.total}` : "";
    const problems = progress.problems ? `, ${progress.problems} problems` : "";
    return `${progress.phase}: ${progress.done}${of}${problems}`;
  }
  if (progress?.epoch) {
    const left = progress.eta_s ? `, ${duration(progress.eta_s)} left` : "";
    return `epoch ${progress.epoch} of ${progress.epochs}, ${Math.round(progress.images_per_s)} images/s${left}`;
  }
  if (judging && !judging.judge) {
    return `first its judge is trained, the classifier that will score it: epoch ${judging.epoch} of ${judging.epochs}`;
  }
  return "starting";
}

const UP = new Set(["raise", "more", "larger"]), DOWN = new Set(["lower", "smaller", "fewer"]);
const FROM_ZERO = /** @type {Record<string, number>} */ ({ dropout: 0.3, ema_half_life_kimg: 10, r1_gamma: 0.2 });
const BY_ONE = new Set(["d_steps", "g_steps", "d_layers", "g_hidden_layers"]);

/**
 * What a hint such as `lower lr_d or d_steps, or set d_norm to batch` comes to for a recipe, one knob at a time.
 *
 * Rates and sizes are halved or doubled, counts change by one; a knob that cannot go on is left out.
 *
 * @param {string} hint
 * @param {Record<string, unknown>} recipe
 * @returns {[string, string | number][]} Knobs with their new values.
 */
export function advice(hint, recipe) {
  /** @type {[string, string | number][]} */ const found = [];
  const words = hint.match(/[\w.]+/g) ?? [];
  let direction = 0;
  words.forEach((word, k) => {
    if (UP.has(word)) direction = 1;
    else if (DOWN.has(word)) direction = -1;
    else if (word === "set") direction = 0;
    if (!(word in recipe) || found.some(([name]) => name === word)) return;
    const now = recipe[word];
    const set = words[k + 1] === "to" ? words[k + 2] : undefined;
    if (set !== undefined && /^\d+$|^batch$|^none$/.test(set)) {
      found.push([word, Number.isNaN(Number(set)) ? set : Number(set)]);
    } else if (direction && typeof now === "number") {
      const next = turned(word, now, direction);
      if (next !== now && next > 0) found.push([word, next]);
    }
  });
  return found;
}

/** @param {string} knob @param {number} now @param {number} direction */
function turned(knob, now, direction) {
  if (BY_ONE.has(knob)) return now + direction;
  if (now === 0) return direction > 0 ? FROM_ZERO[knob] ?? 0 : 0;
  if (knob === "dropout") return direction > 0 ? (1 + now) / 2 : now / 2;
  const next = direction > 0 ? now * 2 : now / 2;
  return Number.isInteger(now) ? Math.floor(next) : Number(next.toPrecision(3));
}

/** @param {string} kind Of a warning, such as `d-overpowering`. @returns {string} It as a heading: `D overpowering`. */
export function title(kind) {
  return kind.charAt(0).toUpperCase() + kind.slice(1).replaceAll("-", " ");
}
