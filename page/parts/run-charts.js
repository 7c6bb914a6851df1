import { get } from "../lib/api.js";
import { h } from "../lib/dom.js";
import { Chart } from "./curves.js";

const GATE = 1.05; // times the active model's distance: see models/gate.py

/** @typedef {{ epoch: number, losses: Record<string, number>, scores: any }} Epoch */

/** The charts of one run: losses, how sure D is, the distance to real images with floor and gate, and variety. */
export class RunCharts {
  /** @type {number | undefined} */ #gate;
  /** @type {Epoch[]} */ #epochs = [];

  /** @param {(epoch: number) => void} pick */
  constructor(pick) {
    this.losses = new Chart({ title: "Losses", note: "D and G play against each other: neither has to fall." }, pick);
    this.sure = new Chart(
      { title: "How sure D is", note: "Its mean answer, 1 is real. Both near 0.5: G fools it.", most: 1 },
      pick,
    );
    this.distance = new Chart(
      {
        title: "Distance to real images",
        note:
          "Lower is better. The floor is what training images score; over the gate, a model does not become active.",
        log: true,
      },
      pick,
    );
    this.variety = new Chart({ title: "Variety and realism", note: "Higher is better.", most: 1 }, pick);
    this.element = h("div", { class: "charts card" }, this.#all.map(({ element }) => element));
  }

  get #all() {
    return [this.losses, this.sure, this.distance, this.variety];
  }

  /**
   * Draw the gate's line: the distance up to which a model may take the active one's place.
   *
   * @param {any} job
   * @param {AbortSignal} signal
   */
  async compareWithActive(job, signal) {
    const models = await get("/models", { limit: 1, fields: "id" }, signal).catch(() => null);
    const id = models?.datasets[job.recipe.dataset];
    if (!id || id === job.model) return;
    const scores = (await get(`/models/${id}`, {}, signal).catch(() => null))?.card.scores;
    this.#gate = scores && GATE * compared(scores);
    this.show(this.#epochs);
  }

  /** @param {Epoch[]} epochs */
  show(epochs) {
    this.#epochs = epochs;
    const of = (/** @type {string} */ name, /** @type {1 | 2} */ colour, /** @type {(one: Epoch) => any} */ value) => ({
      name,
      colour,
      points: epochs.map((one) => /** @type {[number, number | null]} */ ([one.epoch, value(one) ?? null])),
    });
    const scored = epochs.findLast(({ scores }) => scores)?.scores;
    this.losses.show([of("D", 1, (one) => one.losses["loss_d"]), of("G", 2, (one) => one.losses["loss_g"])]);
    this.sure.show([
      of("of real images", 1, (one) => one.losses["d_real"]),
      of("of drawn ones", 2, (one) => one.losses["d_fake"]),
    ]);
    this.distance.show(
      [of(scored?.compared_by ?? "frechet", 1, ({ scores }) => scores && compared(scores))],
      scored
        ? [{ name: "floor", value: compared({ ...scored, ...scored.floor }) }, { name: "gate", value: this.#gate }]
        : [],
    );
    this.variety.show(
      [of("coverage", 1, ({ scores }) => scores?.coverage), of("density", 2, ({ scores }) => scores?.density)],
      [{ name: "floor of coverage", value: scored?.floor.coverage }],
    );
  }

  /** @param {number} epoch */
  mark(epoch) {
    for (const chart of this.#all) chart.mark(epoch);
  }
}

/** @param {any} scores The one of them that compares models. */
function compared(scores) {
  return scores.compared_by === "kid" ? scores.kid : scores.frechet;
}
