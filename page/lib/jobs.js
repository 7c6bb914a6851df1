/**
 * What the events of a job come to. Pure functions, but for `load`.
 *
 * @typedef {Object} Epoch
 * @property {number} epoch From 1.
 * @property {number} step
 * @property {number} kimg Thousand real images shown.
 * @property {Record<string, number>} losses loss_d, loss_g, d_real, d_fake: means over the epoch.
 * @property {Record<string, any> | null} scores Null where it was not scored.
 *
 * @typedef {{ kind: string, step: number, detail: string, hint: string }} Warning
 *
 * @typedef {Object} History What is known of a job after some of its events.
 * @property {string} last The id of the newest of them.
 * @property {string} status As in `GET /jobs/{id}`; `publishing` in between; `deleted`; "" before the first event.
 * @property {string | null} request `cancel` or `pause`, until it is carried out.
 * @property {number} attempt
 * @property {string | null} device
 * @property {Record<string, any> | null} progress
 * @property {Record<string, any> | null} judging While the judge of a data set is trained.
 * @property {Epoch[]} epochs In order; at most 1,000, evenly chosen, the first and the newest among them.
 * @property {number} stride Of so many epochs one is kept.
 * @property {number | null} sample The newest epoch with a grid of samples; 0 before training.
 * @property {Warning[]} warnings The newest of each kind.
 * @property {string | null} model
 * @property {string | null} dataset
 * @property {Record<string, any> | null} error From the record: see `withRecord`.
 * @property {Record<string, any> | null} publication From the record.
 */
import { get } from "./api.js";

const MOST = 1000;
export const ENDS = new Set(["succeeded", "failed", "cancelled", "deleted"]);
const STATUSES = new Set(["queued", "running", "paused", "publishing", ...ENDS]);

/** @returns {History} Before the first event. */
export function history() {
  return {
    last: "0-0",
    status: "",
    request: null,
    attempt: 0,
    device: null,
    progress: null,
    judging: null,
    epochs: [],
    stride: 1,
    sample: null,
    warnings: [],
    model: null,
    dataset: null,
    error: null,
    publication: null,
  };
}

/**
 * @param {string} one An id, `<ms>-<n>`: two numbers of up to 64 bits.
 * @param {string} other
 */
export function isAfter(one, other) {
  const [ms = "0", n = "0"] = one.split("-");
  const [otherMs = "0", otherN = "0"] = other.split("-");
  return BigInt(ms) === BigInt(otherMs) ? BigInt(n) > BigInt(otherN) : BigInt(ms) > BigInt(otherMs);
}

/**
 * One more event; one that was seen before changes nothing.
 *
 * @param {History} before
 * @param {{ id?: string, event?: string, type: string, data: Record<string, any> }} told Of the feed, where `event` is
 *   its id among those of its job, or of `GET /jobs/{id}/events`, where `id` is.
 * @returns {History}
 */
export function reduce(before, told) {
  const { type, data } = told, last = told.event ?? told.id ?? "";
  if (!isAfter(last, before.last)) return before;
  const now = { ...before, last };
  if (STATUSES.has(type)) {
    now.status = type;
    if (type !== "running") now.request = null;
  }
  switch (type) {
    case "running":
      return { ...now, attempt: data.attempt, error: null };
    case "judging":
      return { ...now, judging: data.judge ? null : data };
    case "started":
      return { ...now, device: data.device, judging: null, sample: sampled(before, data) };
    case "progress":
      return { ...now, progress: data, sample: sampled(before, data) };
    case "epoch":
      return withEpoch(now, data);
    case "warning": {
      const warning = /** @type {Warning} */ (data);
      return { ...now, warnings: [...before.warnings.filter(({ kind }) => kind !== warning.kind), warning] };
    }
    case "requested":
      return { ...now, request: data.request };
    case "publishing":
      return { ...now, model: data.model ?? null, dataset: data.dataset ?? null };
  }
  return now;
}

/**
 * What events do not tell: how the job ended. Read the record after `succeeded` and `failed`, and lay it over.
 *
 * @param {History} before
 * @param {Record<string, any>} job As `GET /jobs/{id}` has it.
 * @returns {History}
 */
export function withRecord(before, job) {
  const { error, publication = null, attempt, device = before.device } = job;
  return {
    ...before,
    error,
    publication,
    attempt,
    device,
    model: job.model ?? before.model,
    dataset: job.dataset ?? before.dataset,
  };
}

/**
 * All that is known of a job: its events, page by page, and its record.
 *
 * @param {string} job
 * @param {AbortSignal} [signal]
 * @returns {Promise<History>} Throws a Problem.
 */
export async function load(job, signal) {
  let now = history();
  /** @type {string | null} */
  let path = `/jobs/${job}/events?format=json&limit=1000`;
  while (path) {
    const page = await get(path, {}, signal);
    if (now.last === "0-0" && page.data[0]?.data.reason !== "created") { // the first are kept no more
      const curves = await get(`/jobs/${job}/curves`, {}, signal).catch(() => ({ data: [] }));
      for (const { losses, ...point } of curves.data) now = withEpoch(now, { ...point, ...losses });
    }
    now = page.data.reduce(reduce, now);
    path = page.next;
  }
  return withRecord(now, await get(`/jobs/${job}`, {}, signal));
}

/**
 * The grid of before training is drawn after `started` is told, and before the first step.
 *
 * @param {History} before
 * @param {Record<string, any>} data
 */
function sampled({ sample }, { step }) {
  return step > 0 ? sample ?? 0 : sample;
}

/**
 * An epoch that is done again, by a later attempt, takes the place of what was there.
 *
 * @param {History} before
 * @param {Record<string, any>} data
 * @returns {History}
 */
function withEpoch(before, data) {
  const { epoch, step = 0, kimg, loss_d, loss_g, d_real, d_fake, scores = null } = data;
  const one = { epoch, step, kimg, losses: { loss_d, loss_g, d_real, d_fake }, scores };
  const others = before.epochs.filter((known) => known.epoch !== epoch);
  const epochs = [...others, one].sort((left, right) => left.epoch - right.epoch);
  let { stride } = before;
  const isKept = (/** @type {Epoch} */ { epoch }, /** @type {number} */ place) =>
    epoch % stride === 0 || place === 0 || place === epochs.length - 1;
  while (epochs.filter(isKept).length > MOST) stride *= 2;
  return { ...before, stride, epochs: epochs.filter(isKept), sample: Math.max(epoch, before.sample ?? 0) };
}
