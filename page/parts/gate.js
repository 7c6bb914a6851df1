/**
 * The rule of the service's gate (models/gate.py), so that a comparison can say what it would decide. Pure.
 */

import { short } from "./curves.js";

/**
 * @typedef {Object} Side What the gate knows of a model.
 * @property {string} id
 * @property {string} dataset
 * @property {string | null} sha256 Of its images; null where it is not known, and taken as equal.
 * @property {Record<string, any> | null} scores
 */

export const RULE =
  "A model does not take the active one's place if its Fréchet distance is over 1.05 times the active " +
  "one's, if its coverage is lower by more than 0.02, or if its rarest class is rarer by more than a fifth of an even " +
  "share. With few test images the kernel distance (kid) counts in place of Fréchet's, and coverage may be 0.04 lower.";

const ENOUGH = 1000; // test images

/**
 * @param {Side} candidate
 * @param {Side} active
 * @returns {{ accepted: boolean, reason: string, worse: string[] }} `worse` has the names of the scores that decided.
 */
export function verdict(candidate, active) {
  const no = (/** @type {string} */ reason) => ({ accepted: false, reason, worse: [] });
  const yes = (/** @type {string} */ reason) => ({ accepted: true, reason, worse: [] });
  if (candidate.id === active.id) return yes("they have the same weights");
  if (candidate.dataset !== active.dataset) return no("they were trained on different data sets");
  const now = candidate.scores, old = active.scores;
  if (!old) return yes("there are no scores to beat");
  if (!now) return no("it has no scores");
  const isOther = candidate.sha256 && active.sha256 && candidate.sha256 !== active.sha256;
  const isJudged = now.class_score !== null && now.class_score !== undefined;
  if (isOther && (now.judge !== old.judge || !isJudged)) {
    return no("they were trained on different images of that name");
  }
  if (now.judge !== old.judge) return no("different judges scored them");
  const worse = [farther(now, old), lessCovered(now, old), lessEven(now, old)].filter((one) => one !== null);
  if (!worse.length) return yes("it is no worse");
  const told = worse.map((name) => `${name} ${short(now[name])} against ${short(old[name])}`);
  return { accepted: false, reason: `it is worse: ${told.join(", ")}`, worse };
}

/** @typedef {Record<string, any>} Scores */

/** @param {Scores} now @param {Scores} old */
function farther(now, old) {
  const has = (/** @type {any} */ kid) => (kid ?? null) !== null;
  if (old.compared_by !== "kid" || !has(now.kid) || !has(old.kid)) {
    return now.frechet > 1.05 * old.frechet ? "frechet" : null;
  }
  const chance = 2 * Math.hypot(now.kid_error ?? 0, old.kid_error ?? 0);
  return now.kid > old.kid + chance && now.kid > 1.05 * old.kid ? "kid" : null;
}

/** @param {Scores} now @param {Scores} old */
function lessCovered(now, old) {
  return now.coverage < old.coverage - (old.images >= ENOUGH ? 0.02 : 0.04) ? "coverage" : null;
}

/** @param {Scores} now @param {Scores} old */
function lessEven(now, old) {
  const [one, other] = [now.smallest_class ?? null, old.smallest_class ?? null];
  if (one === null || other === null || !old.class_coverage) return null;
  return one < other - 0.2 / old.class_coverage.length ? "smallest_class" : null;
}
