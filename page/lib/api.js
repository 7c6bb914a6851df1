/**
 * Requests to the service that served this page. It may lie below a path of a proxy: all URLs go through `at`.
 */

const ROOT = new URL("../../../", import.meta.url); // of /ui/<digest>/lib/api.js

/** What the service answered that is not a success: RFC 9457, with a fault for each field. */
export class Problem extends Error {
  /**
   * @param {number} status 0 where nothing answered.
   * @param {{ title?: string, detail?: string, type?: string, errors?: Fault[] }} body
   */
  constructor(status, body) {
    super(body.detail || body.title || `the service answered ${status}`);
    this.status = status;
    this.type = body.type ?? "";
    /** @type {Fault[]} */
    this.errors = body.errors ?? [];
  }
}

/**
 * @typedef {Object} Fault What is wrong with a field of a request.
 * @property {string} [pointer] The field of a JSON body, such as `/epochs`.
 * @property {string} [parameter] The parameter of a URL.
 * @property {string} detail What is allowed.
 * @property {unknown} [value]
 */

/**
 * The URL of a path of the service, such as `/jobs`, for a request, a link or an image.
 *
 * @param {string} path With a slash in front; or a URL that the service gave, which begins with its root path already.
 * @param {Record<string, string | number | boolean | null | undefined>} [query] What is null or undefined is left out.
 * @returns {string} Absolute.
 */
export function at(path, query = {}) {
  const below = path.startsWith(ROOT.pathname) ? path.slice(ROOT.pathname.length) : path.slice(1);
  const url = new URL(below, ROOT);
  for (const [name, value] of Object.entries(query)) {
    if (value !== null && value !== undefined) url.searchParams.set(name, String(value));
  }
  url.search = url.search.replaceAll("%2C", ",");
  return url.href;
}

/**
 * @param {string} path As for `at`.
 * @param {Record<string, string | number | boolean | null | undefined>} [query]
 * @param {AbortSignal} [signal]
 * @returns {Promise<any>} The JSON of the answer. Throws a Problem.
 */
export async function get(path, query, signal) {
  const answer = await ask(at(path, query), { headers: { accept: "application/json" }, signal });
  return answer.json();
}

/**
 * @param {"POST" | "PUT" | "PATCH" | "DELETE"} method
 * @param {string} path As for `at`.
 * @param {object} [body] Goes as JSON.
 * @returns {Promise<any>} The JSON of the answer, null where it has none. Throws a Problem.
 */
export async function send(method, path, body) {
  /** @type {Record<string, string>} */
  const headers = body === undefined ? {} : { "content-type": "application/json" };
  const answer = await ask(at(path), { method, headers, body: body === undefined ? null : JSON.stringify(body) });
  return answer.status === 204 ? null : answer.json();
}

/**
 * `fetch` that throws a Problem for whatever is not a success. A 401 is told to the page, which asks for a key.
 *
 * @param {string} url
 * @param {RequestInit} [init]
 * @returns {Promise<Response>}
 */
export async function ask(url, init) {
  let answer;
  try {
    answer = await fetch(url, init);
  } catch (error) {
    if (init?.signal?.aborted) throw error;
    throw new Problem(0, { detail: "The service does not answer." });
  }
  if (answer.ok) return answer;
  if (answer.status === 401) dispatchEvent(new Event("key-needed"));
  throw new Problem(answer.status, await answer.json().catch(() => ({})));
}
