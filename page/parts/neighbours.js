import { get, Problem } from "../lib/api.js";
import { fill, h } from "../lib/dom.js";

/** @typedef {{ image: number, class: string | null, distance: number, png: string }} Neighbour */

const SHOWN = 6;

/**
 * The training images nearest to a drawn one, and what that says.
 *
 * @param {HTMLElement} into
 * @param {import("../lib/drawing.js").Query} query Of `/generate`, for one image.
 * @param {number} zoom
 * @param {AbortSignal} signal
 */
export async function showNeighbours(into, query, zoom, signal) {
  const { format: _format, ...picture } = query;
  let answer;
  try {
    answer = await get("/neighbours", { ...picture, k: SHOWN }, signal);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    fill(into, h("p", { class: "soft" }, error.message));
    return;
  }
  /** @type {Neighbour[]} */
  const found = answer.data;
  fill(
    into,
    h("p", null, verdict(found[0]?.distance ?? 0, answer.typical)),
    h("ol", { class: "neighbours" }, found.map((one) => neighbour(one, zoom))),
    h("p", { class: "soft" }, "Distance: root mean square of the grey levels (0 to 255) that lie between two images."),
  );
}

/** @param {Neighbour} one @param {number} zoom */
function neighbour({ image, class: name, distance, png }, zoom) {
  const shown = h("img", { class: "pixels", alt: `Training image ${image}`, src: `data:image/png;base64,${png}` });
  shown.addEventListener("load", () => shown.width = shown.naturalWidth * zoom);
  return h("li", null, shown, h("span", null, distance.toFixed(1)), h("small", null, name ?? `No. ${image}`));
}

/**
 * @param {number} distance To the nearest one.
 * @param {number | null} typical Of real images that were not trained on, to the training image nearest to each.
 */
export function verdict(distance, typical) {
  const nearest = `The nearest training image is ${distance.toFixed(1)} away.`;
  if (!typical) return nearest;
  const usual = `Real images that G never saw are ${typical.toFixed(1)} away from theirs (median).`;
  const copied = distance < typical / 2 ? "So this may be a copy." : "So this is a likeness, and no copy.";
  return `${nearest} ${usual} ${copied}`;
}
