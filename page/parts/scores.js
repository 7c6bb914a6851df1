/**
 * Scores in words. Pure.
 */

import { short } from "./curves.js";

/** @typedef {Record<string, any>} Scores */

/**
 * @typedef {[name: string, title: string, means: string, better: -1 | 1, chance: number]} Score
 * `better` is the way that is better, `chance` what two draws of one model may differ by: of distances a share.
 */

/** @type {Score[]} */
export const SCORES = [
  ["frechet", "Fréchet distance", "from real images: less is better", -1, 0.05],
  ["kid", "Kernel distance", "the same, for few images", -1, 0.05],
  ["coverage", "Coverage", "share of real images with a drawn one near: variety", 1, 0.02],
  ["density", "Density", "how many real neighbourhoods a drawn image is in: realism", 1, 0.02],
  ["smallest_class", "Rarest class", "its share: at 0 a class is missing", 1, 0.02],
  ["class_accuracy", "Class accuracy", "share that the judge reads as what was asked for", 1, 0.005],
  ["memorised", "Memorised", "share that copies a training image: less is better", -1, 0.01],
];

/**
 * @param {Scores | null} scores
 * @param {string} dataset
 * @returns {string} How far a model's images are from real ones, beside the floor.
 */
export function beside(scores, dataset) {
  if (!scores) return "Not scored.";
  const real = dataset === "mnist" ? "real digits" : "real images";
  if (scores.compared_by === "kid") {
    return `Kernel distance ${short(scores.kid)}; ${real} of the training set have ${short(scores.floor.kid)}.`;
  }
  const times = scores.frechet / Math.max(scores.floor.frechet, 1e-9);
  if (times <= 1.05) return `As near to the test images as ${real} are.`;
  return `${short(times)} times as far from the test images as ${real} are.`;
}

/**
 * @param {Score} score
 * @param {Scores | null} one
 * @param {Scores | null} than Of the model that it stands beside.
 * @returns {"better" | "worse" | "about the same" | null} Null where that cannot be said.
 */
export function change([name, , , better, chance], one, than) {
  const value = one?.[name] ?? null, other = than?.[name] ?? null;
  if (value === null || other === null || one?.judge !== than?.judge) return null;
  const gain = better * (value - other);
  if (Math.abs(gain) <= chance * (name === "frechet" || name === "kid" ? Math.abs(other) : 1)) return "about the same";
  return gain > 0 ? "better" : "worse";
}
