/**
 * Uploads that go on where they broke off, as tus 1.0.0 has it: https://tus.io/protocols/resumable-upload
 *
 * The service says how much it has; the next part goes behind that. The address of an upload is kept in the browser, so
 * that the same file goes on after a reload too.
 */

import { at, get, Problem, send } from "./api.js";

const PART = 8 << 20; // bytes
const TRIES = 8; // without a byte of progress
const LATER = [0, 408, 409, 423, 502, 503, 504];

/**
 * @typedef {{ size: number, name: string, lastModified: number, slice: (from: number, to: number) => Blob }} Source A File.
 * @typedef {{ id: string, url: string, offset: number, length: number }} Upload As the service shows it.
 */

/**
 * Send a file.
 *
 * @param {Source} file
 * @param {{ progress: (bytes: number, isWaiting: boolean) => void, signal: AbortSignal }} options
 * @returns {Promise<string>} The id of the whole upload. Throws a Problem; where the signal is aborted, its reason.
 */
export async function upload(file, { progress, signal }) {
  const { id, url, offset } = await begin(file);
  let sent = offset;
  for (let tries = 0; sent < file.size;) {
    progress(sent, tries > 0);
    try {
      await patch(url, file.slice(sent, sent + PART), sent, (bytes) => progress(sent + bytes, false), signal);
      sent = Math.min(file.size, sent + PART);
      tries = 0;
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof Problem) || !LATER.includes(error.status) || ++tries > TRIES) throw error;
      progress(sent, true);
      await pause(tries, signal);
      const now = await /** @type {Promise<Upload>} */ (get(url)).catch(() => null);
      if (now && now.offset > sent) [sent, tries] = [now.offset, 0];
    }
  }
  progress(sent, false);
  return id;
}

/** Forget an upload, and have the service drop what came. @param {Source} file */
export async function forget(file) {
  const url = localStorage.getItem(key(file));
  localStorage.removeItem(key(file));
  if (url) await send("DELETE", url).catch(() => null);
}

/** It was imported: the service keeps it no longer. @param {Source} file */
export function done(file) {
  localStorage.removeItem(key(file));
}

/** @param {Source} file @returns {Promise<Upload>} The one that broke off, or a new one. */
async function begin(file) {
  const kept = localStorage.getItem(key(file));
  const old = kept ? await /** @type {Promise<Upload>} */ (get(kept)).catch(() => null) : null;
  if (old?.length === file.size) return old;
  const name = btoa(String.fromCharCode(...new TextEncoder().encode(file.name)));
  const headers = { "Upload-Length": String(file.size), "Upload-Metadata": `filename ${name}` };
  const answer = await request("POST", at("/uploads"), headers, null);
  const made = /** @type {Upload} */ (JSON.parse(answer));
  localStorage.setItem(key(file), made.url);
  return made;
}

/**
 * @param {string} url
 * @param {Blob} part
 * @param {number} offset
 * @param {(bytes: number) => void} sent
 * @param {AbortSignal} signal
 */
function patch(url, part, offset, sent, signal) {
  const headers = { "Content-Type": "application/offset+octet-stream", "Upload-Offset": String(offset) };
  return request("PATCH", at(url), headers, part, sent, signal);
}

/**
 * By XMLHttpRequest, as fetch does not tell how much it has sent.
 *
 * @param {string} method
 * @param {string} url
 * @param {Record<string, string>} headers
 * @param {Blob | null} body
 * @param {(bytes: number) => void} [sent]
 * @param {AbortSignal} [signal]
 * @returns {Promise<string>}
 */
function request(method, url, headers, body, sent, signal) {
  return new Promise((resolve, reject) => {
    const xhr = new XMLHttpRequest();
    const abort = () => xhr.abort();
    xhr.open(method, url);
    for (const [name, value] of Object.entries({ "Tus-Resumable": "1.0.0", ...headers })) {
      xhr.setRequestHeader(name, value);
    }
    xhr.upload.onprogress = (event) => sent?.(event.loaded);
    xhr.onloadend = () => {
      signal?.removeEventListener("abort", abort);
      if (xhr.status >= 200 && xhr.status < 300) return resolve(xhr.responseText);
      if (xhr.status === 401) dispatchEvent(new Event("key-needed"));
      reject(
        new Problem(xhr.status, xhr.status ? parsed(xhr.responseText) : { detail: "The service does not answer." }),
      );
    };
    signal?.addEventListener("abort", abort);
    xhr.send(body);
  });
}

/** @param {string} text */
function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}

/** @param {number} tries @param {AbortSignal} signal */
function pause(tries, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, Math.min(8000, 250 * 2 ** tries));
    signal.addEventListener("abort", () => (clearTimeout(timer), reject(signal.reason)), { once: true });
  });
}

/** @param {Source} file */
function key(file) {
  return `upload ${file.name} ${file.size} ${file.lastModified}`;
}
