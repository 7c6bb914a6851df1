import { at, get, Problem } from "../lib/api.js";
import { fill, h } from "../lib/dom.js";
import { follow } from "../lib/feed.js";
import { go, hash } from "../lib/place.js";
import { View } from "../lib/view.js";
import { faults, warned } from "../parts/faults.js";
import { actions } from "../parts/job-actions.js";
import { hasEnded, statusWord } from "../parts/job-words.js";

const PHASES = /** @type {Record<string, string>} */ ({
  checking: "looking what the file is",
  reading: "reading images",
  comparing: "looking for images that are the same",
  writing: "writing the data set",
});

/** An import, live to its end: `#import/<id of the job>`. */
export class ImportView extends View {
  #id = "";
  /** @type {any} */ #job = null;
  #asked = 0;
  #opened = new AbortController();
  #signal = this.leaving;
  #live = h("section", { class: "card stack", "aria-live": "polite" });
  #tools = h("div", { class: "row" });
  #found = h("section");

  /** @param {import("../lib/place.js").Place} place */
  async show({ view }) {
    const id = view.split("/")[1] ?? "";
    if (id === this.#id) return;
    this.#opened.abort();
    this.#opened = new AbortController();
    const signal = this.#signal = AbortSignal.any([this.leaving, this.#opened.signal]);
    [this.#id, this.#job] = [id, null];
    fill(this.#found);
    const { event } = await get("/jobs", { limit: 1 }, signal);
    await this.#look();
    const path = `/jobs/${id}`;
    fill(
      this,
      h("h1", null, this.heading),
      this.#live,
      this.#tools,
      this.#found,
      h(
        "p",
        { class: "row" },
        h("a", { href: at(`${path}/report`) }, "Report"),
        h("a", { href: at(`${path}/logs`) }, "Log"),
        h("a", { href: "#datasets" }, "All data sets"),
      ),
    );
    const again = () => this.#look().catch((error) => error instanceof Problem || Promise.reject(error));
    follow(({ job, type }) => job === id && (type === "deleted" ? go("#datasets") : again()), {
      after: event,
      gap: again,
      signal,
    });
  }

  async #look() {
    const asked = ++this.#asked;
    const job = await get(`/jobs/${this.#id}`, {}, this.#signal);
    if (asked === this.#asked) await this.#tell(job);
  }

  /** @param {any} job */
  async #tell(job) {
    const before = this.#job, { status, request, name } = this.#job = job;
    this.heading = `Import of ${name}`;
    fill(this.#live, ...state(job));
    if (status === before?.status && request === before.request) return; // buttons stay under the finger
    fill(this.#tools, actions(job, (now) => now ? this.#tell(now) : go("#datasets")));
    if (!hasEnded(status) || status === "cancelled") return;
    const bad = await faults(`/jobs/${this.#id}/problems`, undefined, this.#signal).catch(() => null);
    fill(this.#found, bad && h("h2", null, "Files with problems"), bad);
  }
}

/** @param {any} job */
function state(job) {
  const { status, progress, error, dataset, name } = job;
  if (status === "succeeded") {
    const look = h("a", { class: "button", href: hash("datasets", { name }) }, "Look at it");
    return [h("p", null, "Done: the images can be trained on."), dataset && h("div", null, look)];
  }
  if (status === "cancelled") return [h("p", null, "Cancelled: nothing of it is left.")];
  if (status === "failed") {
    const next = error.type === "rejected" ? "Mend the files, and drop them again." : `It failed (${error.type}).`;
    return [h("p", { class: "problem" }, error.detail), h("p", null, next)];
  }
  const { phase, done = 0, total, problems = 0, warnings = [] } = progress ?? {};
  const words = status === "running" ? `Now ${PHASES[phase] ?? "starting"}.` : `${statusWord(job)[0]}.`;
  return [
    h("p", null, words),
    h("progress", { "aria-label": "Done", ...total ? { max: total, value: done } : {} }),
    h("p", { class: "soft number" }, total ? `${done} of ${total}, ` : "", `${problems} with problems`),
    warnings.length > 0 && warned(warnings),
  ];
}
