import { at, get } from "../lib/api.js";
import { fill, h } from "../lib/dom.js";
import { follow } from "../lib/feed.js";
import { hash } from "../lib/place.js";
import { View } from "../lib/view.js";
import { importer } from "../parts/importer.js";
import { hasEnded } from "../parts/job-words.js";
import { describe, sheet, showDataset } from "./dataset.js";

const SHOWN = 16; // images of each data set

export class DatasetsView extends View {
  heading = "Data sets";
  #shown = new AbortController();

  /** @param {import("../lib/place.js").Place} place `name` of a data set; without it all. */
  async show({ query }) {
    this.#shown.abort();
    this.#shown = new AbortController();
    const signal = AbortSignal.any([this.#shown.signal, this.leaving]);
    try {
      if (query.name) await this.#one(query, signal);
      else await this.#list(query, signal);
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  /** @param {Record<string, string>} query @param {AbortSignal} signal */
  async #one(query, signal) {
    const { name = "" } = query, { folders } = await get("/datasets", { limit: 1 }, signal);
    if (!folders.includes(name)) return showDataset(this, query, signal);
    const { datasets } = await get("/models", { limit: 1, fields: "id" }, signal);
    this.heading = name;
    fill(
      this,
      h("p", null, h("a", { href: "#datasets" }, "All data sets")),
      h("h1", null, name),
      h("ul", { class: "datasets" }, folder(name, datasets)),
    );
  }

  /** @param {Record<string, string>} query @param {AbortSignal} signal */
  async #list(query, signal) {
    this.heading = "Data sets";
    const [page, models, jobs] = await Promise.all([
      get("/datasets", { state: "ready", after: query.after }, signal),
      get("/models", { limit: 1, fields: "id" }, signal),
      get("/jobs", { limit: 100 }, signal),
    ]);
    const imports = jobs.data.filter((/** @type {any} */ job) => job.kind === "import" && !job.finished_at);
    fill(
      this,
      h("h1", null, "Data sets"),
      importer,
      imports.length > 0 && h("h2", null, "Being imported"),
      imports.map((/** @type {any} */ { id, name }) =>
        h("p", null, h("a", { href: hash(`import/${id}`) }, name), " is being read.")
      ),
      h("h2", null, "What models can learn from"),
      h(
        "ul",
        { class: "datasets" },
        page.data.map((/** @type {any} */ one) => card(one, models.datasets)),
        !query.after && page.folders.map((/** @type {string} */ name) => folder(name, models.datasets)),
      ),
      page.has_more &&
        h("a", { class: "button", href: hash("datasets", { after: page.data.at(-1).id }) }, "Older ones"),
    );
    const ids = imports.map((/** @type {any} */ { id }) => id);
    const again = () => signal.aborted || this.show({ view: "datasets", query });
    follow(({ job, type }) => hasEnded(type) && ids.includes(job) && again(), {
      after: jobs.event,
      gap: again,
      signal,
    });
  }
}

/** @param {any} dataset @param {Record<string, string>} active By name of the data set. */
function card(dataset, active) {
  const { id, names, card } = dataset;
  const name = names[0] ?? id;
  const problems = Object.values(card.problems).reduce((sum, count) => sum + count, 0);
  return h(
    "li",
    { class: "card" },
    h(
      "a",
      { href: hash("datasets", { name }) },
      sheet(card, { n: SHOWN }, `/datasets/${id}/preview.png`, 1),
      h("strong", null, names.join(", ") || id),
    ),
    h("p", { class: "soft" }, describe(card)),
    h(
      "p",
      null,
      names.length ? null : h("span", { class: "tag" }, "an older version"),
      problems > 0 &&
        h("span", { class: "tag warn" }, `${problems} ${problems === 1 ? "file" : "files"} with problems`),
      card.warnings.map((/** @type {any} */ { kind }) => h("span", { class: "tag warn" }, kind.replaceAll("-", " "))),
      names.some((/** @type {string} */ one) => active[one]) && h("span", { class: "tag good" }, "has a model"),
    ),
  );
}

/** @param {string} name @param {Record<string, string>} active */
function folder(name, active) {
  const src = at("/generate", { dataset: name, n: SHOWN, seed: 1, pad: 2 });
  return h(
    "li",
    { class: "card" },
    active[name] && h("img", { class: "pixels", src, width: 118, height: 118, alt: "Images that its model drew" }),
    h("strong", null, name),
    h("p", { class: "soft" }, "Files of the server, not imported. ", active[name] && "Its model drew the picture."),
    h("a", { "data-needs": "jobs:write", href: hash("train", { dataset: name }) }, "Train on it"),
  );
}
