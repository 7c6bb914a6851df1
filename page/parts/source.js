import { get, Problem } from "../lib/api.js";
import { fill, h } from "../lib/dom.js";

/** @typedef {{ model: string | null, dataset: string | null }} Choice Neither is the active model. */
/**
 * @typedef {Object} Source What draws.
 * @property {string} id A model, by which pictures stay what they are.
 * @property {string[]} classes What it may be asked for.
 * @property {number} z How many numbers z has.
 */

const FIELDS = "id,dataset,labels,created_at";

/** @param {(choice: Choice) => void} choose */
export function sourceSelect(choose) {
  const select = h("select", {
    onchange: () => {
      const [kind, name = null] = select.value.split(" ");
      choose({ model: kind === "model" ? name : null, dataset: kind === "dataset" ? name : null });
    },
  }, option("", "The active model"));
  return select;
}

/**
 * Offer the active model, those of data sets and the shelf, and whatever else is chosen.
 *
 * @param {HTMLSelectElement} select
 * @param {Choice} choice
 * @param {AbortSignal} signal
 */
export async function offerSources(select, { model, dataset }, signal) {
  if (select.options.length < 2) {
    const { data, datasets } = await get("/models", { limit: 100, fields: FIELDS }, signal);
    const names = Object.keys(datasets).map((name) => option(`dataset ${name}`, name));
    fill(
      select,
      option("", "The active model"),
      h("optgroup", { label: "Active model of a data set" }, names),
      h("optgroup", { label: "All models, newest first" }, data.map(shelved)),
    );
  }
  const value = model ? `model ${model}` : dataset ? `dataset ${dataset}` : "";
  if (![...select.options].some((one) => one.value === value)) select.append(option(value, model ?? dataset ?? ""));
  select.value = value;
}

/**
 * @param {Choice} choice
 * @param {AbortSignal} signal
 * @returns {Promise<Source | null>} Null where there is none; the picture says why.
 */
export async function findSource({ model, dataset }, signal) {
  const [job, epoch] = model?.split("@") ?? [];
  try {
    if (model && epoch) {
      const { recipe } = await get(`/jobs/${job}`, {}, signal);
      const like = await findSource({ model: null, dataset: recipe.dataset }, signal);
      return { id: model, classes: like?.classes ?? [], z: recipe.z_dim };
    }
    const { id, classes, card } = await get(`/models/${model ?? "active"}`, { dataset }, signal);
    const numbers = card.recipe.classes || (card.scores?.class_coverage?.length ?? 0); // these a judge picks
    return { id, classes: classes ?? Array.from({ length: numbers }, (_, k) => String(k)), z: card.recipe.z_dim };
  } catch (error) {
    if (error instanceof Problem) return null;
    throw error;
  }
}

/** @param {{ id: string, dataset: string, labels: object, card: { created_at: string } }} model */
function shelved({ id, dataset, labels, card }) {
  const day = card.created_at.slice(0, 16).replace("T", " ");
  return option(`model ${id}`, [dataset, day, Object.keys(labels).join(" ") || id].join(" · "));
}

/** @param {string} value @param {string} text */
function option(value, text) {
  return h("option", { value }, text);
}
