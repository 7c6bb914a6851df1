/**
 * The page: it shows the view that the fragment of the URL names. Each view is a module of its own.
 */

import { fill, h } from "./lib/dom.js";
import { parse } from "./lib/place.js";
import { Problem } from "./lib/api.js";
import { DrawView } from "./views/draw.js";
import { TrainView } from "./views/train.js";
import { JobView } from "./views/job.js";
import { CompareView } from "./views/compare.js";
import { ModelsView } from "./views/models.js";
import { DatasetsView } from "./views/datasets.js";
import { InspectView } from "./views/inspect.js";
import { acceptDrops } from "./parts/drop.js";
import { askForKeys } from "./parts/login.js";
import { chooseScheme } from "./parts/scheme.js";
import { showConnection } from "./parts/connection.js";

/** @typedef {import("./lib/view.js").View} View */

/** @type {Record<string, new () => View>} */
const VIEWS = {
  draw: DrawView,
  train: TrainView,
  job: JobView,
  compare: CompareView,
  models: ModelsView,
  datasets: DatasetsView,
  inspect: InspectView,
};
for (const [name, view] of Object.entries(VIEWS)) customElements.define(`${name}-view`, view);

const main = /** @type {HTMLElement} */ (document.getElementById("main"));

/** Show the place in the address bar; the view that is there stays, where the place is one of its own. */
async function show() {
  const place = parse(location.hash);
  const kind = VIEWS[place.view.split("/")[0] ?? ""];
  if (!kind) {
    fill(main, h("p", null, "There is no such view. ", h("a", { href: "#draw" }, "Draw")));
    return;
  }
  let view = main.firstElementChild;
  const enters = !(view instanceof kind);
  if (!(view instanceof kind)) {
    view = new kind();
    fill(main, view);
  }
  mark(place.view);
  try {
    await /** @type {View} */ (view).show(place);
  } catch (error) {
    if (/** @type {View} */ (view).leaving.aborted) return;
    if (!(error instanceof Problem)) throw error;
    fill(view, h("p", { class: "problem", role: "alert" }, error.message));
  }
  document.title = `${/** @type {View} */ (view).heading || "digitforge"} · digitforge`;
  if (enters) main.focus({ preventScroll: true });
}

/** @param {string} view Marks its link, for the eye and for screen readers. */
function mark(view) {
  const name = view === "job" || view.startsWith("job/") ? "train" : view.split("/")[0];
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
acceptDrops();
chooseScheme();
showConnection();
letIn.then(show);
