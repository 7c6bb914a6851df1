import { h } from "../lib/dom.js";
import { differences } from "./comparison.js";
import { short } from "./curves.js";
import { RULE, verdict } from "./gate.js";
import { change, SCORES } from "./scores.js";

/** @typedef {import("./sides.js").Side} Side */
/** @typedef {import("./sides.js").Json} Json */

export const LETTERS = [..."ABCD"];

/** @param {number} k */
const letter = (k) => h("b", { class: `letter-${k + 1}` }, LETTERS[k]);

/**
 * A choice for each that is compared, and for one more.
 *
 * @param {string[]} names
 * @param {Json[]} models
 * @param {Json[]} runs
 * @param {(names: string[]) => void} choose
 */
export function choosers(names, models, runs, choose) {
  return LETTERS.slice(0, names.length + 1).map((_, k) => {
    const known = [...models.map(({ id }) => id), ...runs.map(({ id }) => `${id}@latest`)];
    const name = names[k] ?? "";
    const select = h(
      "select",
      {
        id: `choose-${k}`,
        "aria-label": LETTERS[k],
        onchange: () => choose([...names.slice(0, k), select.value, ...names.slice(k + 1)].filter(Boolean)),
      },
      (!name || names.length > 1) && h("option", { value: "" }, name ? "– none –" : "– another –"),
      name && !known.includes(name) && h("option", { value: name }, name.replace("@", ", epoch ")),
      h(
        "optgroup",
        { label: "Models, newest first" },
        models.map((model) => h("option", { value: model.id }, words(model))),
      ),
      runs.length > 0 && h(
        "optgroup",
        { label: "Trainings, newest first" },
        runs.map(({ id, preset, recipe, progress }) =>
          h("option", { value: `${id}@latest` }, `${id} ${preset} ${recipe.dataset}, epoch ${progress.epoch}`)
        ),
      ),
    );
    select.value = name;
    return h("span", { class: "choose" }, letter(k), " ", select);
  });
}

/** @param {Json} model */
function words({ id, labels, dataset, card, active }) {
  const told = Object.entries(labels).map(([word, value]) => value ? `${word}=${value}` : word);
  return [active ? `${id} (active)` : id, ...told, `${dataset}, epoch ${card.epoch}`].join(" ");
}

/**
 * @param {Side[]} sides
 * @returns {Node[]} Whether each would take the place of the first, were that active.
 */
export function verdicts(sides) {
  const [first, ...others] = sides;
  if (!first || !others.length) return [h("p", null, "Choose another to compare with.")];
  const lines = others.map((side, k) => {
    const { accepted, reason } = verdict(side, first);
    return h(
      "li",
      null,
      letter(k + 1),
      h("b", { class: accepted ? "good" : "bad" }, accepted ? " would" : " would not"),
      ` take its place, were A the active model: ${reason}.`,
    );
  });
  const mixed = sides.some(({ dataset }) => dataset !== first.dataset) &&
    h(
      "p",
      { class: "soft" },
      "These were trained on different data sets. Their images can be looked at side by side; their scores say nothing about each other.",
    );
  return [
    h("h2", null, "Would it replace A?"),
    h("ul", null, lines),
    ...mixed ? [mixed] : [],
    h("details", null, h("summary", null, "The gate's rule"), h("p", null, RULE)),
  ];
}

/** @param {Side[]} sides */
export function scoresTable(sides) {
  const first = sides[0]?.scores ?? null, floor = sides.find(({ scores }) => scores)?.scores?.floor;
  if (!floor) return [h("h2", null, "Scores"), h("p", null, "None of them has been scored.")];
  const there = SCORES.filter(([name]) => sides.some(({ scores }) => (scores?.[name] ?? null) !== null));
  const rows = there.map((score) =>
    h(
      "tr",
      null,
      h("th", { scope: "row" }, score[1], h("small", null, ` ${score[2]}`)),
      sides.map(({ scores }, k) => {
        const told = k ? change(score, scores, first) : null;
        const kind = told === "better" ? "good" : told === "worse" ? "bad" : "soft";
        return h("td", null, short(scores?.[score[0]]), told && h("small", { class: kind }, told));
      }),
      h("td", null, short(floor[score[0]])),
    )
  );
  return [
    h("h2", null, "Scores"),
    table("Better and worse are beside A, by more than chance.", sides, rows, "Real images"),
  ];
}

/** @param {Side[]} sides */
export function differing(sides) {
  const facts = sides.map(({ recipe, epoch, kimg }) => ({ ...recipe, epoch, "thousand images": Math.round(kimg) }));
  const rows = differences(facts).map(([knob, values]) =>
    h("tr", null, h("th", { scope: "row" }, knob), values.map((value) => h("td", null, String(value ?? "–"))))
  );
  if (sides.length < 2) return [];
  const told = rows.length
    ? table("Only what differs is shown.", sides, rows)
    : h("p", null, "They have the same recipe.");
  return [h("h2", null, "Recipes"), told];
}

/**
 * @param {string} caption
 * @param {Side[]} sides
 * @param {Node[]} rows
 * @param {string} [last]
 */
function table(caption, sides, rows, last) {
  const head = h(
    "tr",
    null,
    h("td"),
    sides.map((_, k) => h("th", { scope: "col" }, letter(k))),
    last && h("th", { scope: "col" }, last),
  );
  return h(
    "div",
    { class: "wide", tabIndex: 0, role: "group", "aria-label": caption },
    h(
      "table",
      { class: "compared" },
      h("caption", { class: "soft" }, caption),
      h("thead", null, head),
      h("tbody", null, rows),
    ),
  );
}
