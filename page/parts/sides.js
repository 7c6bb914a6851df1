import { get, Problem } from "../lib/api.js";
import { checkpoint, then } from "./comparison.js";

/**
 * @typedef {Record<string, any>} Json
 *
 * @typedef {Object} Side What is compared: a model, or a run as it was at an epoch.
 * @property {string} name As in the link.
 * @property {string} id
 * @property {string} dataset
 * @property {string | null} sha256 Of its images, where it is known.
 * @property {Record<string, any>} recipe
 * @property {Record<string, any> | null} scores
 * @property {{ side: number, channels: number } | null} shape Where it is known.
 * @property {number} epoch
 * @property {number} kimg
 * @property {string | null} job The training, where it is still there.
 * @property {import("./comparison.js").Point[]} points Of the training, epoch by epoch.
 */

/** What can be compared, asked of the service once. */
export class Sides {
  /** @type {Map<string, Promise<any>>} */
  #kept = new Map();

  /** @param {AbortSignal} signal */
  constructor(signal) {
    this.signal = signal;
  }

  /** @param {string} job Its next epoch is there. */
  forget(job) {
    for (const path of [`/jobs/${job}`, `/jobs/${job}/curves`]) this.#kept.delete(path);
  }

  /** @returns {Promise<Json[]>} The newest trainings that have a checkpoint. */
  async runs() {
    const { data } = await this.#get("/jobs", { limit: 100 }).catch(() => ({ data: [] }));
    return data.filter((/** @type {Json} */ job) => job.kind === "train" && job.progress?.epoch);
  }

  /** @returns {Promise<Json>} The newest models, and which of them is active. */
  models() {
    return this.#get("/models", { limit: 100, fields: "id,labels,dataset,epoch,active,image_shape" });
  }

  /**
   * @param {string} name
   * @returns {Promise<Side>} Throws a Problem for what is not there.
   */
  async side(name) {
    const wanted = checkpoint(name);
    if (!wanted) {
      const { id, dataset, card } = await this.#get(`/models/${name}`);
      const run = (await this.runs()).find((job) => job.model === id);
      return { ...sideOf(card), name, id, dataset, ...await this.#run(run?.id) };
    }
    const [job, { points }] = await Promise.all([this.#get(`/jobs/${wanted.job}`), this.#run(wanted.job)]);
    const best = wanted.epoch === "best" ? job.progress?.best?.epoch : undefined;
    const point = then(points, "epoch", Number(best ?? wanted.epoch) || Infinity);
    if (!point) throw new Problem(404, { detail: `The training ${wanted.job} has no checkpoint yet.` });
    const card = job.model ? (await this.#get(`/models/${job.model}`).catch(() => ({}))).card : null;
    const { recipe } = job, { epoch, kimg, scores } = point;
    const like = (await this.models()).data.find((/** @type {Json} */ { dataset }) => dataset === recipe.dataset);
    const own = { name, id: name, dataset: recipe.dataset, recipe, epoch, kimg, scores, job: job.id, points };
    return { ...sideOf(card ?? { image_shape: like?.card.image_shape }), ...own };
  }

  /**
   * @param {string | undefined} job
   * @returns {Promise<Pick<Side, "job" | "points">>}
   */
  async #run(job) {
    if (!job) return { job: null, points: [] };
    return { job, points: (await this.#get(`/jobs/${job}/curves`, { format: "json" })).data };
  }

  /** @param {string} path @param {Json} [query] */
  #get(path, query) {
    const found = this.#kept.get(path) ?? get(path, query, this.signal);
    this.#kept.set(path, found);
    found.catch(() => this.#kept.delete(path));
    return found;
  }
}

/** @param {Json} card */
function sideOf({ recipe, scores = null, image_shape: shape = null, dataset_sha256: sha256 = null, epoch, kimg }) {
  return { recipe, scores, shape, sha256, epoch, kimg };
}
