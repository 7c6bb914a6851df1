/** @typedef {import("./place.js").Place} Place */

/**
 * A view of the page: a custom element that fills `<main>`.
 *
 * `show` is called when it enters and whenever the reader goes to another place of the same view. What it began, such
 * as a stream, it ends by `leaving`, a signal that is aborted when the view leaves the page.
 */
export class View extends HTMLElement {
  /** What the view is called in the browser's tab. */
  heading = "";

  #left = new AbortController();

  /** Aborted once the view is gone: hand it to `fetch` and to `addEventListener`. */
  get leaving() {
    return this.#left.signal;
  }

  /**
   * Show a place. What it throws or rejects with is shown to the reader.
   *
   * @param {Place} _place
   * @returns {void | Promise<void>}
   */
  show(_place) {}

  disconnectedCallback() {
    this.#left.abort();
  }
}
