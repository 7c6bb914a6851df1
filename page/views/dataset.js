import { at, get, send } from "../lib/api.js";
import { fill, h } from "../lib/dom.js";
import { go, hash } from "../lib/place.js";
import { faults, warned } from "../parts/faults.js";
import { button } from "../parts/job-actions.js";

/** @typedef {import("../lib/view.js").View} View */

const PAD = 2; // pixels between the images of a preview
const AUGMENTS = [
  ["", "as they are"],
  ["translate", "moved (translate)"],
  ["cutout", "with holes (cutout)"],
  ["diffaugment", "moved, with holes, recoloured (diffaugment)"],
];

/** @param {any} card @returns {string} What is in a data set. */
export function describe({ image_shape: { side, channels }, train, test, classes }) {
  const kinds = classes ? `, ${classes.length} classes` : "";
  return `${train + test} images of ${side}x${side} in ${channels === 1 ? "grey" : "colour"}${kinds}`;
}

/**
 * Training images side by side.
 *
 * @param {any} card
 * @param {Record<string, string | number | undefined>} query Of the preview; of a class, or not.
 * @param {string} url
 * @param {number} zoom A whole number.
 */
export function sheet(card, query, url, zoom) {
  const { side } = card.image_shape;
  const of = card.classes?.find((/** @type {any} */ { name }) => name === query.class);
  const n = Math.max(1, Math.min(Number(query.n), of ? of.train : card.train));
  const columns = Math.ceil(Math.sqrt(n));
  const [width, height] = [columns, Math.ceil(n / columns)].map((count) => (count * (side + PAD) - PAD) * zoom);
  const alt = `Training images${query.class ? ` of ${query.class}` : ""}`;
  return h("img", { class: "pixels", src: at(url, query), width, height, alt });
}

/**
 * A data set.
 *
 * @param {View} view
 * @param {Record<string, string>} query Its `name`; a `class`, `augment` and `seed` of the images; `code` of problems.
 * @param {AbortSignal} signal
 */
export async function showDataset(view, query, signal) {
  const { id, names, card, state } = await get(`/datasets/${encodeURIComponent(query.name ?? "")}`, {}, signal);
  const [models, bad] = await Promise.all([
    get("/models", { limit: 1, dataset: id, fields: "id,scores" }, signal),
    faults(`/datasets/${id}/problems`, query.code, signal),
  ]);
  const name = names[0] ?? id;
  const active = models.datasets[card.name];
  const scores = models.data[0]?.card?.scores;
  const isReady = state === "ready";
  view.heading = name;
  /** @param {Record<string, string | undefined>} change */
  const link = (change) => hash("datasets", { ...query, ...change });
  const codes = Object.entries(card.problems);
  fill(
    view,
    h("p", null, h("a", { href: "#datasets" }, "All data sets")),
    h("h1", null, names.join(", ") || id),
    h("p", null, `${describe(card)}: ${card.train} to train on, ${card.test} to score with. `, h("code", null, id)),
    isReady
      ? h(
        "p",
        { class: "row" },
        h("a", { class: "button", href: hash("train", { dataset: name }), "data-needs": "jobs:write" }, "Train on it"),
        active && h("a", { class: "button", href: hash("draw", { dataset: name }) }, "Draw from its model"),
        h("a", { class: "button", href: at(`/datasets/${id}/download`), download: "" }, "Download as npz"),
        button("Delete", () => remove(id), "Delete its images for good? Its models stay", "datasets:write"),
      )
      : h("p", { class: "problem" }, "Its images were deleted. Import the same file again to have them back."),
    isReady && images(card, query, id, view.clientWidth),
    card.warnings.length > 0 && h("h2", null, "What looks wrong, and what may help"),
    card.warnings.length > 0 && warned(card.warnings),
    card.classes && h("h2", null, "Balance of the classes"),
    card.classes && balance(card.classes, query.name ?? ""),
    card.proposal && h("h2", null, "Proposed recipe"),
    card.proposal && proposal(card.proposal),
    scores?.floor && h(
      "p",
      null,
      `Its newest model has a Fréchet distance of ${scores.frechet.toFixed(1)}; real training images have `,
      `${scores.floor.frechet.toFixed(1)}, which is the floor: no model can be expected to score better.`,
    ),
    bad && h("h2", null, "Files with problems"),
    bad && h(
      "p",
      { class: "row" },
      h("a", { href: link({ code: "" }), "aria-current": query.code ? null : "true" }, "all"),
      codes.map(([code, count]) =>
        h("a", { href: link({ code }), "aria-current": query.code === code ? "true" : null }, `${code} ${count}`)
      ),
    ),
    bad,
    card.notes.length > 0 && h("h2", null, "What was decided from the files"),
    h("ul", null, card.notes.map((/** @type {string} */ note) => h("li", null, note))),
  );
}

/** @param {any} card @param {Record<string, string>} query @param {string} id @param {number} width Of the window. */
function images(card, query, id, width) {
  const across = Math.min(8, Math.ceil(Math.sqrt(card.train))) * (card.image_shape.side + PAD);
  const zoom = Math.max(1, Math.floor(Math.min(width, 720) / across));
  const now = { ...query };
  const draw = () => {
    const wanted = { n: 64, class: now.class || undefined, augment: now.augment || undefined, seed: now.seed };
    return sheet(card, wanted, `/datasets/${id}/preview.png`, zoom);
  };
  let shown = draw();
  /** @param {Record<string, string>} change */
  const see = (change) => {
    history.replaceState(null, "", hash("datasets", Object.assign(now, change)));
    const next = draw();
    shown.replaceWith(next);
    shown = next;
  };
  /** @param {string} name @param {string} label @param {string[][]} values */
  const choice = (name, label, values) => {
    const onchange = () => see({ [name]: select.value });
    const options = values.map(([value = "", text]) =>
      h("option", { value, selected: value === (query[name] ?? "") }, text)
    );
    const select = h("select", { onchange }, options);
    return h("label", null, label, " ", select);
  };
  const classes = (card.classes ?? []).map((/** @type {any} */ { name }) => [name, name]);
  return h(
    "figure",
    { class: "training-images" },
    h(
      "div",
      { class: "row" },
      classes.length > 0 && choice("class", "Images of", [["", "all classes"], ...classes]),
      choice("augment", "As D sees them", AUGMENTS),
      h("button", { type: "button", onclick: () => see({ seed: `${1 + Number(now.seed ?? 0)}` }) }, "Other images"),
    ),
    shown,
    h(
      "figcaption",
      { class: "soft" },
      "D, the discriminator, learns to tell these from drawn ones. With few images it learns them by heart; ",
      "augmentation shows it changed ones, real and drawn alike.",
    ),
  );
}

/** @param {{ name: string, train: number, test: number }[]} classes @param {string} dataset */
function balance(classes, dataset) {
  const most = Math.max(...classes.map(({ train }) => train));
  return h(
    "div",
    { class: "scrolling", tabIndex: 0, role: "region", "aria-label": "Classes" },
    h(
      "table",
      { class: "balance" },
      h(
        "thead",
        null,
        h("tr", null, ["Class", "Training", "", "Test"].map((text) => h(text ? "th" : "td", null, text))),
      ),
      h(
        "tbody",
        null,
        classes.map(({ name, train, test }) => {
          const bar = h("div", { class: "bar-of" });
          bar.style.width = `${100 * train / most}%`;
          const link = h("a", { href: hash("datasets", { name: dataset, class: name }) }, name);
          return h("tr", null, [link, train, bar, test].map((cell) => h("td", null, cell)));
        }),
      ),
    ),
  );
}

/** @param {{ recipe: Record<string, unknown>, reasons: Record<string, string>, minutes: number | null }} proposal */
function proposal({ recipe, reasons, minutes }) {
  const rows = Object.entries(recipe);
  return h(
    "div",
    null,
    h(
      "p",
      null,
      rows.length ? "The preset quality with these changes" : "The preset quality as it is",
      minutes ? `, about ${Math.ceil(minutes)} minutes on two cores.` : ".",
    ),
    h(
      "ul",
      null,
      rows.map(([knob, value]) => h("li", null, h("code", null, `${knob} ${value}`), ` ${reasons[knob] ?? ""}`)),
    ),
  );
}

/** @param {string} id */
async function remove(id) {
  await send("DELETE", `/datasets/${id}`);
  go("#datasets");
}
