/**
 * Who the reader is to the service, and what the reader may do there.
 *
 * A control that writes says so: `h("button", { "data-needs": "jobs:write" }, "Start")` is hidden from a reader whose key
 * may not, by style/parts.css, also once that changes. `mayWrite` is for whatever hiding is not enough for.
 *
 * @typedef {Object} Session As `GET /session` answers it; all but the first are null without a key.
 * @property {boolean} keys_required
 * @property {string | null} id
 * @property {string | null} name
 * @property {string[] | null} scopes
 * @property {string | null} expires_at
 */

import { get } from "./api.js";

/** @type {Session | null} */
let known = null;

/** @returns {Session | null} Null until the service has answered for the first time. */
export function session() {
  return known;
}

/**
 * Whether the reader may do what needs a scope, such as `jobs:write`; until it is known, yes.
 *
 * @param {"jobs:write" | "models:write" | "datasets:write" | "admin"} scope
 * @returns {boolean}
 */
export function mayWrite(scope) {
  return allows(known, scope);
}

/** Ask the service again. `session-changed` is dispatched where it says something else than before. */
export async function look() {
  const before = JSON.stringify(known);
  known = /** @type {Session} */ (await get("/session"));
  const root = document.documentElement;
  root.toggleAttribute("data-keys", known.keys_required);
  root.dataset.may = WRITES.filter(mayWrite).join(" ");
  if (JSON.stringify(known) !== before) dispatchEvent(new Event("session-changed"));
  return known;
}

const WRITES = /** @type {const} */ (["jobs:write", "models:write", "datasets:write", "admin"]);

/**
 * @param {Session | null} session
 * @param {string} scope
 * @returns {boolean}
 */
export function allows(session, scope) {
  if (!session?.keys_required) return true;
  const scopes = session.scopes ?? [];
  return scopes.includes(scope) || scopes.includes("admin");
}
