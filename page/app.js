/**
 * The page: it shows the view that the fragment of the URL names. Each view is a module of its own, loaded when it is
 * shown first.
 */

import { fill, h } from "./lib/dom.js";
import { parse } from "./lib/place.js";
import { Problem } from "./lib/api.js";
import { acceptDrops } from "./parts/drop.js";
import { askForKeys } from "./parts/login.js";
import { chooseScheme } from "./parts/scheme.js";
import { showConnection } from "./parts/connection.js";

/** @typedef {import("./lib/view.js").View} View */

/** @type {Record<string, () => Promise<new () => View>>} */
const VIEWS = {
  draw: async () => (await import("./views/draw.js")).DrawView,
  train: async () => (await import("./views/train.js")).TrainView,
  import: async () => (await import("./views/import.js")).ImportView,
  job: async () => (await import("./views/job.js")).JobView,
  compare: async () => (await import("./views/compare.js")).CompareView,
  models: async () => (await import("./views/models.js")).ModelsView,
  datasets: async () => (await import("./views/datasets.js")).DatasetsView,
  inspect: async () => (await import("./views/inspect.js")).InspectView,
};

const main = /** @type {HTMLElement} */ (document.getElementById("main"));

/** Show the place in the address bar; the view that is there stays, where the place is one of its own. */
async function show() {
  const place = parse(location.hash), name = place.view.split("/")[0] ?? "";
  const load = Object.hasOwn(VIEWS, name) ? VIEWS[name] : null;
  if (!load) {
    fill(main, h("p", null, "There is no such view. ", h("a", { href: "#draw" }, "Draw")));
    return;
  }
  mark(name);
  const kind = await load().catch(reportError);
  if (parse(location.hash).view !== place.view) return; // the reader has gone on meanwhile
  if (!kind) {
    const why = "This view could not be loaded. The service is away, or a new version was installed.";
    return refuse(why, "Load the page again", () => location.reload());
  }
  customElements.get(`${name}-view`) ?? customElements.define(`${name}-view`, kind);
  const there = main.firstElementChild, enters = !(there instanceof kind);
  const view = there instanceof kind ? there : new kind();
  if (enters) fill(main, view);
  try {
    await view.show(place);
  } catch (error) {
    if (view.leaving.aborted) return;
    if (!(error instanceof Problem)) throw error;
    refuse(error.status === 401 ? "This service asks for a key." : error.message, "Try again", show);
  }
  document.title = `${view.heading || "digitforge"} · digitforge`;
  const isFaster = view.contains(document.activeElement); // a reader who is in it before all of it is there
  if (enters && !isFaster) main.focus({ preventScroll: true });
}

/**
 * Stands in the place of the view, so that the next place makes a new one.
 *
 * @param {string} why
 * @param {string} label Of the button.
 * @param {() => void} onclick
 */
function refuse(why, label, onclick) {
  fill(
    main,
    h("h1", null, document.querySelector("nav [aria-current]")?.textContent),
    h("p", { class: "problem", role: "alert" }, why),
    h("button", { type: "button", onclick }, label),
  );
}

/** @param {string} view Marks its link, for the eye and for screen readers. */
function mark(view) {
  const name = { job: "train", import: "datasets" }[view] ?? view;
  for (const link of document.querySelectorAll("header nav a")) {
    const isHere = link.getAttribute("href") === `#${name}`;
    if (isHere) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

document.querySelector(".skip")?.addEventListener("click", (event) => {
  event.preventDefault();
  main.focus();
});
const letIn = askForKeys(show); // before all else: it takes a key out of the address
addEventListener("hashchange", show);
addEventListener("unhandledrejection", (event) => {
  if (event.reason?.name === "AbortError") event.preventDefault(); // what a view that has left was waiting for
});
acceptDrops();
chooseScheme();
showConnection();
letIn.then(show);
