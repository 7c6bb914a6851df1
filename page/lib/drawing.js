/**
 * What the view `#draw` shows, as the query of its link and as the query of `GET /generate`. Pure functions.
 *
 * The names in links are those of `/generate`, so that the URL of a picture is a link to the view that draws it.
 */

/**
 * @typedef {Object} Drawing
 * @property {number} seed
 * @property {number | null} n How many images; null is as many as suits.
 * @property {number} start
 * @property {string[]} classes Names; none is whatever comes.
 * @property {number} truncation 0 to 1.
 * @property {Point | null} at A point of the plane, in the place of the seed.
 * @property {Record<number, number>} nudge How far along which direction; none of them 0.
 * @property {number | null} to The seed that a walk goes to.
 * @property {string | null} model An id, or `job@epoch`.
 * @property {string | null} dataset
 * @property {number | null} scale Pixels of the screen for a pixel; null is as many as fit.
 * @property {number | null} tile Which image is shown large.
 * @property {Record<string, string>} rest What the page has no control for, such as `invert`, and what it cannot read.
 *
 * @typedef {[number, number]} Point To the right, and down. At whole numbers lies seed x + 1000 y.
 * @typedef {Record<string, string | number | null>} Query
 */

export const SEED = 1;
export const ACROSS = 1000; // seeds in a row of the plane
const IMAGES = 1024; // of a walk, in all frames
const REST = ["cols", "pad", "invert", "judge", "frames"];

/** @type {Record<string, (text: string) => boolean>} */
const READABLE = {
  seed: isNumber,
  n: isNumber,
  start: isNumber,
  truncation: isNumber,
  interpolate: isPair,
  at: (text) => isPair(text) && point(text).every((part, k) => Math.abs(part - Number(text.split(",")[k])) < 0.001),
  nudge: (text) => text.split(",").every((step) => isPair(step.replace(":", ","))),
  scale: (text) => /^[1-8]$/.test(text),
};

/**
 * @param {Record<string, string>} link Its query. What cannot be read is passed on, for the service to refuse.
 * @returns {Drawing}
 */
export function read(link) {
  const given = Object.entries(link).filter(([, text]) => text);
  const isRead = (/** @type {[string, string]} */ [name, text]) => READABLE[name]?.(text) ?? !REST.includes(name);
  const query = Object.fromEntries(given.filter(isRead));
  const [from, to] = (query.interpolate ?? "").split(",");
  return {
    seed: number(from || query.seed) ?? SEED,
    n: number(query.n),
    start: number(query.start) ?? 0,
    classes: query.class ? split(query.class) : [...query.digit ?? ""],
    truncation: number(query.truncation) ?? 1,
    at: query.at ? point(query.at) : null,
    nudge: nudges(query.nudge ?? ""),
    to: number(to),
    model: query.model ?? null,
    dataset: query.model ? null : query.dataset ?? null,
    scale: number(query.scale),
    tile: number(query.tile),
    rest: Object.fromEntries(given.filter((one) => !isRead(one))),
  };
}

/**
 * @param {Drawing} drawing
 * @param {Partial<Drawing>} changes
 * @returns {Drawing} Without what could not be read: whoever changes something has seen that it is refused.
 */
export function change(drawing, changes) {
  const rest = Object.fromEntries(Object.entries(drawing.rest).filter(([name]) => REST.includes(name)));
  return { ...drawing, rest, ...changes };
}

/**
 * @param {Drawing} drawing
 * @returns {Query} Of its link: `read` gives the drawing back. Defaults are left out.
 */
export function write(drawing) {
  return {
    ...which(drawing),
    seed: drawing.at || drawing.to !== null || drawing.seed === SEED ? null : drawing.seed,
    n: drawing.n,
    start: drawing.start || null,
    scale: drawing.scale,
    tile: drawing.tile,
    ...drawing.rest,
  };
}

/**
 * @param {Drawing} drawing
 * @param {number} columns The most that fit beside each other; as in `columns`.
 * @returns {Query} Of `/generate`, for the picture; of a walk the moving one.
 */
export function request(drawing, columns = 256) {
  const n = count(drawing);
  const walks = drawing.to !== null && !drawing.at;
  const frames = drawing.rest.frames ?? Math.max(2, Math.min(24, Math.floor(IMAGES / n)));
  return {
    ...which(drawing),
    n,
    start: drawing.start || null,
    ...drawing.rest,
    cols: across(drawing, columns),
    frames: walks ? frames : null,
    format: walks ? "webp" : "png",
  };
}

/**
 * @param {Drawing} drawing
 * @param {number} k Its place in the picture.
 * @returns {Query} Of `/generate`, for an image of the picture alone.
 */
export function single(drawing, k) {
  const { cols: _cols, pad: _pad, frames: _frames, ...rest } = drawing.rest;
  return { ...which({ ...drawing, to: null }), n: 1, start: drawing.start + k, ...rest, format: "png" };
}

/**
 * @param {Drawing} drawing
 * @returns {number} How many images there are: 16, or four of each class.
 */
export function count(drawing) {
  if (drawing.n !== null) return drawing.n;
  const classes = drawing.classes.length;
  if (drawing.at) return 1;
  return classes > 1 && classes <= 64 ? classes * 4 : 16;
}

/**
 * @param {Drawing} drawing
 * @param {number} most
 * @returns {number} Images in a row: a square, or a column for each class, where the window is wide enough.
 */
export function across(drawing, most) {
  const classes = drawing.classes.length;
  const n = count(drawing);
  const wish = number(drawing.rest.cols) ?? (classes > 1 ? classes : Math.ceil(Math.sqrt(n)));
  return Math.max(1, Math.min(n, wish, most));
}

/**
 * @param {Point} at A point of the plane.
 * @returns {Point} With as many decimals as an address may have, and within the plane.
 */
export function onPlane([x, y]) {
  const last = Math.floor(Number.MAX_SAFE_INTEGER / ACROSS) - 1;
  return [round(Math.min(ACROSS - 1, Math.max(0, x)), 1000), round(Math.min(last, Math.max(0, y)), 1000)];
}

/**
 * @param {string} text
 * @returns {string[]} The names of classes in it: commas lie between; in a name, a backslash stands before one.
 */
export function split(text) {
  return [...`,${text}`.matchAll(/,((?:[^,\\]|\\.?)*)/gs)].map(([, name]) => (name ?? "").replace(/\\(.)/gs, "$1"));
}

/** @param {Drawing} drawing What says which images, and of which model. @returns {Query} */
function which(drawing) {
  const walks = drawing.to !== null && !drawing.at;
  const { at, interpolate } = drawing.rest;
  return {
    seed: drawing.at || walks || at || interpolate ? null : drawing.seed,
    at: drawing.at?.join(",") ?? null,
    interpolate: walks ? `${drawing.seed},${drawing.to}` : null,
    class: drawing.classes.map((name) => name.replace(/[,\\]/g, "\\$&")).join(",") || null,
    truncation: drawing.truncation === 1 ? null : drawing.truncation,
    nudge: Object.entries(drawing.nudge).map(([number, amount]) => `${number}:${amount}`).join(",") || null,
    dataset: drawing.dataset,
    model: drawing.model,
  };
}

/** @param {string} text @returns {Point} */
function point(text) {
  const [x, y] = text.split(",");
  return onPlane([number(x) ?? 0, number(y) ?? 0]);
}

/** @param {string} text @returns {Record<number, number>} */
function nudges(text) {
  const pairs = text.split(",").map((pair) => pair.split(":").map(Number));
  const amounts = pairs.map(([direction, amount]) => [direction, round(amount ?? 0, 100)]);
  return Object.fromEntries(amounts.filter(([, amount]) => amount));
}

/** @param {number} value @param {number} steps Of one. */
function round(value, steps) {
  return Math.round(value * steps) / steps || 0;
}

/** @param {string | undefined} text @returns {number | null} */
function number(text) {
  return text && isNumber(text) ? Number(text) : null;
}

/** @param {string} text */
function isNumber(text) {
  return text.trim() !== "" && Number.isFinite(Number(text));
}

/** @param {string} text */
function isPair(text) {
  const parts = text.split(",");
  return parts.length === 2 && parts.every(isNumber);
}
