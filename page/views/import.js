import { get, Problem, send } from "../lib/api.js";
import { fill, h } from "../lib/dom.js";
import { follow } from "../lib/feed.js";
import { hash } from "../lib/place.js";
import { faults, warned } from "../parts/faults.js";

/** @typedef {import("../lib/view.js").View} View */

const PHASES = /** @type {Record<string, string>} */ ({
  checking: "looking what the file is",
  reading: "reading images",
  comparing: "looking for images that are the same",
  writing: "writing the data set",
});
const ENDED = ["succeeded", "failed", "cancelled"];

/**
 * An import, live to its end.
 *
 * @param {View} view
 * @param {string} id
 * @param {AbortSignal} signal Aborted once something else is shown.
 */
export async function showImport(view, id, signal) {
  const live = h("section", { class: "card stack", "aria-live": "polite" });
  const found = h("section", null);
  const back = h("p", null, h("a", { href: "#datasets" }, "All data sets"));
  let isEnded = false;
  let version = 0;
  const look = async () => {
    const mine = ++version;
    const job = await get(`/jobs/${id}`, {}, signal);
    if (mine !== version || isEnded) return;
    isEnded = ENDED.includes(job.status);
    view.heading = `Import of ${job.name}`;
    fill(live, ...state(job));
    if (!isEnded || job.status === "cancelled") return;
    const bad = await faults(`/jobs/${id}/problems`, undefined, signal).catch(() => null);
    fill(found, bad && h("h2", null, "Files with problems"), bad);
  };
  const again = () => look().catch((error) => error instanceof Problem || signal.aborted || Promise.reject(error));
  const { event } = await get("/jobs", { limit: 1 }, signal);
  await look();
  fill(view, h("h1", null, view.heading), live, found, back);
  follow((event) => event.job === id && again(), { after: event, gap: again, signal });
}

/** @param {any} job */
function state(job) {
  const { status, progress, error, dataset } = job;
  if (status === "succeeded") {
    const link = dataset && h("a", { class: "button", href: hash("datasets", { name: dataset }) }, "Look at it");
    return [h("p", null, "Done: the images can be trained on."), h("div", null, link)];
  }
  if (status === "cancelled") return [h("p", null, "Cancelled: nothing of it is left.")];
  if (status === "failed") {
    return [
      h("p", { class: "problem" }, error.detail),
      h(
        "p",
        null,
        error.type === "rejected" ? "Mend the files, and drop them again." : `The import failed (${error.type}).`,
      ),
    ];
  }
  const { phase, done = 0, total, problems = 0, warnings = [] } = progress ?? {};
  const cancel = () => send("POST", `/jobs/${job.id}/cancel`);
  return [
    h(
      "p",
      null,
      status === "queued"
        ? "Waits for a worker."
        : status === "paused"
        ? "Paused."
        : `Now ${PHASES[phase] ?? "starting"}.`,
    ),
    h("progress", { "aria-label": "Done", ...total ? { max: total, value: done } : {} }),
    h("p", { class: "soft number" }, total ? `${done} of ${total}, ` : "", `${problems} with problems`),
    warnings.length > 0 && warned(warnings),
    h("div", null, h("button", { type: "button", "data-needs": "jobs:write", onclick: cancel }, "Cancel")),
  ];
}
