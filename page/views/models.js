import { get, Problem, send } from "../lib/api.js";
import { fill, h } from "../lib/dom.js";
import { follow } from "../lib/feed.js";
import { go, hash, parse } from "../lib/place.js";
import { toast } from "../lib/toast.js";
import { View } from "../lib/view.js";
import { modelCard } from "../parts/model_card.js";

/** @typedef {Record<string, any>} Json */

const LETTERS = "abcd"; // of those that are compared

/** The shelf: the models that trainings have left, newest first. */
export class ModelsView extends View {
  heading = "Models";
  #turn = 0;

  /** @param {import("../lib/place.js").Place} place */
  async show({ query }) {
    const { dataset, label, after } = query, turn = ++this.#turn;
    const [page, jobs] = await Promise.all([
      get("/models", { limit: 12, dataset, label, after }, this.leaving),
      get("/jobs", { limit: 100, status: "succeeded" }, this.leaving).catch(() => ({ data: [] })),
    ]);
    if (turn !== this.#turn) return; // the reader has chosen something else meanwhile
    if (!this.firstChild) this.#follow(jobs.event);
    const picks = picked(query);
    const here = (/** @type {Record<string, string | null>} */ change) => hash("models", { ...query, ...change });
    const again = () => this.show({ view: "models", query });
    const focused = this.contains(document.activeElement) && document.activeElement?.getAttribute("aria-label");
    fill(
      this,
      h("h1", null, "Models"),
      h(
        "p",
        null,
        "What trainings have left: the weights of G, the network that draws. The active model draws where no other is asked for.",
      ),
      this.#filter(query, page, here),
      h(
        "div",
        { class: "row above" },
        h(
          "button",
          { type: "button", "data-needs": "models:write", disabled: !page.previous, onclick: () => goBack(again) },
          "Back to the model before",
        ),
        picks.length > 0 && h("a", { class: "button", href: compareLink(picks) }, `Compare ${picks.length} chosen`),
        picks.length > 0 && h("a", { href: here({ pick: null }) }, "Choose none"),
      ),
      page.data.length === 0 && h("p", null, "No model is like that. ", h("a", { href: "#models" }, "Show all")),
      h(
        "div",
        { class: "models" },
        page.data.map((/** @type {Json} */ model) =>
          modelCard(model, {
            previous: page.previous,
            job: jobs.data.find((/** @type {Json} */ job) => job.model === model.id),
            picked: picks.includes(model.id),
            pick: () => {
              const now = picked(parse(location.hash).query), others = now.filter((one) => one !== model.id);
              if (others.length === LETTERS.length) return toast("Up to four models can be compared.");
              go(here({ pick: [...others, ...now.includes(model.id) ? [] : [model.id]].join() }), { replace: true });
            },
            changed: again,
          })
        ),
      ),
      h(
        "nav",
        { class: "row", "aria-label": "Pages" },
        after && h("a", { href: here({ after: null }) }, "Newest models"),
        page.has_more && h("a", { href: here({ after: page.data.at(-1).id }) }, "Older models"),
      ),
    );
    if (focused) /** @type {HTMLElement | null} */ (this.querySelector(`[aria-label="${focused}"]`))?.focus();
  }

  /** Show what trainings leave from now on, but not under the reader's hands. @param {string | undefined} after */
  #follow(after) {
    const look = () => this.querySelector("details[open], input:focus") || this.show(parse(location.hash));
    follow(({ type }) => type === "succeeded" && look(), { after, gap: look, signal: this.leaving });
  }

  /**
   * @param {Json} query
   * @param {Json} page
   * @param {(change: Record<string, string | null>) => string} here
   */
  #filter({ dataset = "", label = "" }, page, here) {
    const names = new Set(["", dataset, ...Object.keys(page.datasets)]);
    const options = [...names].map((name) => h("option", { value: name }, name || "all"));
    const onchange = () => go(here({ dataset: select.value, after: null }));
    const select = h("select", { onchange }, options);
    select.value = dataset;
    const word = h("input", { value: label, size: 16, autocomplete: "off" });
    const onsubmit = (/** @type {Event} */ event) => {
      event.preventDefault();
      go(here({ label: word.value.trim(), after: null }));
    };
    return h(
      "form",
      { class: "row above", onsubmit },
      h("label", null, "Data set ", select),
      h("label", null, "Label ", word),
      h("button", null, "Filter"),
    );
  }
}

/** @param {Record<string, string | undefined>} query @returns {string[]} The ids of the models that are chosen. */
function picked({ pick = "" }) {
  return pick.split(",").filter(Boolean);
}

/** @param {string[]} ids */
function compareLink(ids) {
  return hash("compare", Object.fromEntries(ids.map((id, k) => [LETTERS[k] ?? "", id])));
}

/** @param {() => void} done */
async function goBack(done) {
  try {
    const { id } = await send("PUT", "/models/active", { model: "previous" });
    toast(`Model ${id} is active again.`);
    done();
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    toast(error.message, "error");
  }
}
