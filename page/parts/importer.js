/** The panel that takes a file, its options, and sends it. It is one for the tab: an upload outlives its view. */

import { ask, at, Problem } from "../lib/api.js";
import { fill, h } from "../lib/dom.js";
import { go, hash } from "../lib/place.js";
import { toast } from "../lib/toast.js";
import { done, forget, upload } from "../lib/upload.js";
import { chosen, held, take } from "./drop.js";

const SIDES = [16, 20, 24, 28, 32, 40, 48, 56, 64, 80, 96, 112, 128];
const CAME = ["", "as they came"];

/** @type {[string, string, string, string[][]][]} Parameter of `POST /datasets`, label, help, values with their words. */
const OPTIONS = [
  ["size", "Side", "in pixels; small images train faster", [CAME, ...SIDES.map((side) => [`${side}`, `${side}`])]],
  ["channels", "Colours", "", [CAME, ["1", "grey"], ["3", "colour"]]],
  ["fit", "What is not square", "", [["", "is padded"], ["crop", "is cropped"], ["stretch", "is stretched"]]],
  ["background", "Behind transparency", "", [CAME, ["ffffff", "white"], ["000000", "black"], ["808080", "grey"]]],
  ["labels", "Classes", "what a GAN can be asked for by name", [
    ["", "from folders or label files"],
    ["none", "none"],
    ["first", "first column of a table"],
    ["last", "last column of a table"],
  ]],
  ["split", "Test images", "kept from training, to score with", [["", "those that came, or a tenth"], [
    "none",
    "none",
  ]]],
  ["invert", "Brightness", "", [["", "as it came"], ["true", "inverted"]]],
  ["transpose", "Rows and columns", "", [["", "as they came"], ["true", "swapped, for EMNIST"]]],
];

export const importer = h("section", { class: "card importer", "data-needs": "datasets:write" });

/** @param {string} file @returns {string} A name for its data set that the service takes. */
export function nameFor(file) {
  const stem = file.replace(/(\.(zip|tar|t?gz|bz2|xz|npz|npy|csv|idx|bin))+$/i, "");
  return stem.replace(/[^A-Za-z0-9._-]+/g, "-").replace(/^[^A-Za-z0-9]+/, "").slice(0, 64) || "images";
}

invite();
addEventListener("dropped", receive);
receive(); // what was dropped on another view, before this module was loaded

function receive() {
  if (held.archive && !importer.querySelector("progress")) offer(held.archive);
  else if (held.archive) toast("One file is on its way already.", "error");
  held.archive = null;
}

function invite() {
  /** @param {string} text @param {boolean} isFolder */
  const chooser = (text, isFolder) => {
    const onchange = () => take(chosen(input.files ?? []));
    const input = h("input", { type: "file", hidden: true, multiple: true, webkitdirectory: isFolder, onchange });
    return [h("button", { type: "button", onclick: () => input.click() }, text), input];
  };
  fill(
    importer,
    h("h2", null, "Train on your own images"),
    h(
      "p",
      null,
      "Drop a folder, pictures or an archive anywhere on this page. Folders inside are classes. ",
      "Zip, tar, npz, IDX and CSV are read too; 16 images are the least, some thousand are good.",
    ),
    h("div", { class: "row" }, chooser("Choose a file", false), chooser("Choose a folder", true)),
  );
}

/** @param {File} file */
function offer(file) {
  const name = h("input", { name: "name", required: true, maxLength: 64, value: nameFor(file.name) });
  const choices = OPTIONS.map(([option, label, help, values]) =>
    field(label, h("select", { name: option }, values.map(([value, text]) => h("option", { value }, text))), help)
  );
  const form = h(
    "form",
    {
      class: "stack",
      onsubmit: (/** @type {Event} */ event) => {
        event.preventDefault();
        begin(file, form);
      },
    },
    h("h2", null, "Import ", file.name),
    h("p", { class: "soft" }, size(file.size)),
    field("Name of the data set", name, "letters, digits and . _ -"),
    h("details", null, h("summary", null, "Options"), h("div", { class: "options" }, choices)),
    h("p", { class: "problem", role: "alert" }),
    h(
      "div",
      { class: "row" },
      h("button", { class: "primary" }, "Import"),
      h("button", { type: "button", onclick: () => (forget(file), invite()) }, "Not now"),
    ),
  );
  fill(importer, form);
  name.select();
}

/** @param {File} file @param {HTMLFormElement} form */
async function begin(file, form) {
  const given = [...new FormData(form)].filter(([, value]) => value !== "");
  const query = Object.fromEntries(given.map(([name, value]) => [name, String(value)]));
  const stop = new AbortController();
  const bar = h("progress", { max: file.size, value: 0, "aria-label": "Sent" });
  const words = h("p", { role: "status" });
  const cancel = h("button", { type: "button", onclick: () => stop.abort() }, "Cancel");
  fill(importer, h("h2", null, "Sending ", file.name), bar, words, cancel);
  try {
    const progress = (/** @type {number} */ bytes, /** @type {boolean} */ isWaiting) => {
      bar.value = bytes;
      words.textContent = `${size(bytes)} of ${size(file.size)}${isWaiting ? ": waiting for the service" : ""}`;
    };
    const id = await upload(file, { progress, signal: stop.signal });
    cancel.remove();
    const answer = await ask(at("/datasets", { ...query, upload: id, file: file.name }), { method: "POST" });
    const job = await answer.json();
    done(file);
    invite();
    if (importer.isConnected) go(hash(`import/${job.id}`));
    else toast(`${file.name} has arrived and is being imported: see Data sets.`);
  } catch (error) {
    if (stop.signal.aborted) return forget(file).then(invite);
    if (!(error instanceof Problem)) throw error;
    fill(importer, form);
    complain(form, error);
  }
}

/** Each fault at its field, the rest below. @param {HTMLFormElement} form @param {Problem} problem */
function complain(form, problem) {
  const rest = /** @type {HTMLElement} */ (form.querySelector("p.problem"));
  for (const old of form.querySelectorAll("label small.problem")) old.remove();
  rest.textContent = problem.errors.length ? "" : problem.message;
  for (const { parameter, pointer, detail } of problem.errors) {
    const control = form.elements.namedItem(parameter ?? "");
    if (!(control instanceof HTMLElement)) rest.append(`${parameter ?? pointer ?? ""}: ${detail} `);
    else control.parentElement?.append(h("small", { class: "problem", role: "alert" }, detail));
    if (control instanceof HTMLSelectElement) form.querySelector("details")?.setAttribute("open", "");
  }
}

/** @param {string} label @param {HTMLElement} control @param {string} help */
function field(label, control, help) {
  return h("label", null, label, " ", control, help && h("small", null, help));
}

/** @param {number} bytes */
export function size(bytes) {
  return bytes < 1e6 ? `${Math.ceil(bytes / 1000)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
