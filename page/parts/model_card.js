import { at, Problem, send } from "../lib/api.js";
import { h, moment } from "../lib/dom.js";
import { hash } from "../lib/place.js";
import { beside } from "./scores.js";

/**
 * @typedef {Record<string, any>} Model As in `GET /models`.
 *
 * @typedef {Object} Around What a card needs of its view.
 * @property {string | null} previous The id of the model that was active before.
 * @property {Record<string, any> | undefined} job The training that it came of, where it is still there.
 * @property {boolean} picked Whether it is chosen for a comparison.
 * @property {() => void} pick
 * @property {() => void} changed
 */

const WIDTH = 260; // pixels of the screen for the picture

/** @param {{ side: number }} shape @param {number} n @returns {number} Pixels of a grid of n images, which is square. */
export const gridSide = ({ side }, n) => Math.sqrt(n) * (side + 2) - 2;

/**
 * @param {Model} model
 * @param {Around} around
 */
export function modelCard(model, { previous, job, picked, pick, changed }) {
  const { id, card, dataset } = model;
  const natural = gridSide(card.image_shape, 16);
  const width = natural * Math.max(1, Math.floor(WIDTH / natural));
  const src = at("/generate", { model: id, seed: 1, n: 16 });
  const again = job ? { from: job.id } : card.recipe;
  const said = h("p", { class: "problem", role: "alert" });
  const doing = (/** @type {() => Promise<unknown>} */ action) => async (/** @type {Event} */ event) => {
    event.preventDefault();
    said.textContent = "";
    const button = /** @type {HTMLButtonElement | null} */ (
      event instanceof SubmitEvent ? event.submitter : event.currentTarget
    );
    if (button) button.disabled = true;
    try {
      await action();
      changed();
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      said.textContent = error.errors.map(({ pointer, detail }) => `${pointer}: ${detail}`).join("; ") || error.message;
    } finally {
      if (button) button.disabled = false;
    }
  };
  const remove = doing(() => send("DELETE", `/models/${id}`));
  return h(
    "article",
    { class: "card model", "aria-label": `Model ${id}` },
    h(
      "a",
      { href: hash("draw", { model: id }) },
      h("img", { class: "pixels", src, width, height: width, alt: `16 images of model ${id}`, loading: "lazy" }),
    ),
    h(
      "div",
      { class: "row" },
      h("code", null, id),
      model.active && h("span", { class: "tag good" }, "active"),
      !model.active && model.active_in_dataset && h("span", { class: "tag good" }, `active for ${dataset}`),
      id === previous && h("span", { class: "tag" }, "active before"),
      Object.entries(model.labels).map(([word, value]) =>
        h("a", { class: "tag", href: hash("models", { label: word }) }, value ? `${word}=${value}` : word)
      ),
    ),
    model.note && h("p", null, model.note),
    h("p", null, beside(card.scores, dataset)),
    h(
      "p",
      { class: "soft" },
      `${dataset}, ${job ? `${job.preset}, ` : ""}epoch ${card.epoch}, ${
        Math.round(card.kimg * 1000).toLocaleString("en")
      } images shown, `,
      h("time", { dateTime: card.created_at }, moment(card.created_at)),
      job && [". ", h("a", { href: `#job/${job.id}` }, "Its training")],
    ),
    h(
      "div",
      { class: "row" },
      h("a", { class: "button", href: hash("draw", { model: id }), "aria-label": `Draw with ${id}` }, "Draw"),
      h(
        "button",
        { type: "button", "aria-pressed": String(picked), onclick: pick, "aria-label": `Compare ${id}` },
        picked ? "✓ Compare" : "Compare",
      ),
      !model.active &&
        h(
          "button",
          {
            type: "button",
            "data-needs": "models:write",
            "aria-label": `Activate ${id}`,
            onclick: doing(() => send("PUT", "/models/active", { model: id })),
          },
          "Activate",
        ),
    ),
    h(
      "details",
      null,
      h("summary", null, "More"),
      h(
        "div",
        { class: "row" },
        h("a", { "data-needs": "jobs:write", href: hash("train", again) }, "Train again with this recipe"),
        h("a", { href: recipe(card.recipe), download: `${id}.json` }, "Recipe as JSON"),
      ),
      notes(model, doing),
      h(
        "details",
        { "data-needs": "models:write" },
        h("summary", null, "Delete"),
        h("p", null, "Its weights are gone then. Its card is kept, and the same weights bring it back."),
        h("button", { type: "button", class: "danger", onclick: remove, "aria-label": `Delete ${id}` }, "Delete it"),
      ),
    ),
    said,
  );
}

/** @param {object} knobs */
function recipe(knobs) {
  return `data:application/json,${encodeURIComponent(JSON.stringify(knobs, null, 2))}`;
}

/**
 * A form for what people say of a model.
 *
 * @param {Model} model
 * @param {(action: () => Promise<unknown>) => (event: Event) => void} doing
 */
function notes(model, doing) {
  const shown = Object.entries(model.labels).map(([word, value]) => value ? `${word}=${value}` : word).join(", ");
  const labels = h("input", { value: shown, autocomplete: "off", placeholder: "stage=candidate, sharp" });
  const note = h("textarea", { rows: 3, maxLength: 2000, value: model.note });
  const save = () =>
    send("PATCH", `/models/${model.id}`, { labels: labelPatch(model.labels, labels.value), note: note.value });
  return h(
    "form",
    { class: "stack", "data-needs": "models:write", onsubmit: doing(save) },
    h("label", null, "Labels ", h("small", null, "Words, with commas between; a word may have a value."), labels),
    h("label", null, "Note ", note),
    h("div", null, h("button", null, "Save")),
  );
}

/**
 * The merge patch that makes a model's labels those that were typed.
 *
 * @param {Record<string, string>} before
 * @param {string} typed Such as `stage=candidate, sharp`.
 * @returns {Record<string, string | null>} Null removes.
 */
export function labelPatch(before, typed) {
  const words = typed.split(",").map((one) => one.trim()).filter(Boolean);
  const wanted = Object.fromEntries(words.map((one) => {
    const [word = "", ...value] = one.split("=");
    return [word.trim(), value.join("=").trim()];
  }));
  return { ...Object.fromEntries(Object.keys(before).map((word) => [word, null])), ...wanted };
}
