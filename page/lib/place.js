/**
 * Where the reader is: a view and what it shows, kept in the fragment of the URL, so that every view is a link.
 *
 * `#draw?seed=3&n=16` is the place `{ view: "draw", query: { seed: "3", n: "16" } }`. These functions are pure; only
 * `go` changes the address bar.
 *
 * @typedef {Object} Place
 * @property {string} view The first word of the fragment, such as `draw`, or two, as in `job/4f0c`.
 * @property {Record<string, string>} query What the view shows.
 */

export const HOME = "draw";

/**
 * @param {string} hash The fragment, with or without its `#`.
 * @returns {Place}
 */
export function parse(hash) {
  const [view, query] = split(hash.replace(/^#/, ""), "?");
  return { view: view || HOME, query: Object.fromEntries(new URLSearchParams(query)) };
}

/**
 * The fragment of a place. Values that are null, undefined or empty are left out, so that defaults stay out of links.
 *
 * @param {string} view
 * @param {Record<string, string | number | boolean | null | undefined>} [query]
 * @returns {string} With its `#`.
 */
export function hash(view, query = {}) {
  const given = Object.entries(query).filter(([, value]) => value !== null && value !== undefined && value !== "");
  const text = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
  return `#${view}${text ? `?${text.replaceAll("%2C", ",").replaceAll("%40", "@")}` : ""}`;
}

/**
 * Go to a place. `replace` is for changes that one would not want to go back through, such as a slider's.
 *
 * @param {string} to A fragment, as `hash` makes it.
 * @param {{ replace?: boolean }} [options]
 */
export function go(to, { replace = false } = {}) {
  if (to === location.hash) return;
  history[replace ? "replaceState" : "pushState"](null, "", to);
  dispatchEvent(new HashChangeEvent("hashchange"));
}

/**
 * @param {string} text
 * @param {string} separator
 * @returns {[string, string]} What stands before its first separator, and behind it.
 */
function split(text, separator) {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
}
