import { h } from "../lib/dom.js";

const FRAME_MS = 250;
const FRAMES = 100; // that playing shows of a long run

/**
 * The epoch that a slider is at: a wanted one as far as there is one, else the newest.
 *
 * @param {string | undefined} wanted As the URL has it.
 * @param {number} newest
 */
export function epochOf(wanted, newest) {
  const epoch = /^\d{1,6}$/.test(wanted ?? "") ? Number(wanted) : newest;
  return Math.min(epoch, newest);
}

/**
 * Some epochs of a run: the multiples of a power of two, and the newest. While a run goes on, few of them change.
 *
 * @param {number} newest
 * @param {number} most
 * @returns {number[]}
 */
export function spread(newest, most) {
  let step = 1;
  while (Math.floor(newest / step) + 2 > most) step *= 2;
  const epochs = Array.from({ length: Math.floor(newest / step) + 1 }, (_, k) => k * step);
  return epochs.includes(newest) ? epochs : [...epochs, newest];
}

/** A slider through the epochs of a run, which plays too, and follows the newest until the reader takes it. */
export class TimeSlider {
  /** @type {ReturnType<typeof setInterval> | undefined} */ #timer;
  #newest = 0;

  /**
   * @param {(epoch: number | null) => void} change Null is the newest, and each that follows.
   * @param {AbortSignal} leaving Ends what plays.
   */
  constructor(change, leaving) {
    this.change = change;
    this.range = h("input", { type: "range", min: "0", step: "1", id: "epoch", oninput: () => this.#take(this.epoch) });
    this.output = h("output", { for: "epoch" });
    this.play = h("button", { type: "button", onclick: () => this.#timer ? this.stop() : this.#start() }, "Play");
    this.newest = h("button", { type: "button", onclick: () => this.follow() }, "Newest");
    const step = (/** @type {number} */ by, /** @type {string} */ name, /** @type {string} */ sign) =>
      h("button", { type: "button", "aria-label": name, title: name, onclick: () => this.step(by) }, sign);
    this.element = h(
      "div",
      { class: "time card", role: "group", "aria-label": "Time" },
      h("label", { for: "epoch" }, "Epoch ", this.output),
      this.range,
      h(
        "div",
        { class: "row" },
        step(-1, "An epoch earlier", "‹"),
        this.play,
        step(1, "An epoch later", "›"),
        this.newest,
      ),
    );
    leaving.addEventListener("abort", () => this.stop());
  }

  get epoch() {
    return Number(this.range.value);
  }

  /**
   * @param {number} epoch
   * @param {number} newest
   * @param {boolean} follows
   */
  show(epoch, newest, follows) {
    this.#newest = newest;
    this.range.max = String(newest);
    this.range.value = String(epoch);
    this.output.textContent = `${epoch} of ${newest}${epoch === 0 ? ", before training" : ""}`;
    this.newest.setAttribute("aria-pressed", String(follows));
  }

  /** @param {number} by */
  step(by) {
    this.#take(Math.max(0, Math.min(this.#newest, this.epoch + by)));
  }

  follow() {
    this.stop();
    this.change(null);
  }

  stop() {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.play.textContent = "Play";
  }

  /** @param {number} epoch */
  #take(epoch) {
    this.stop();
    this.change(epoch);
  }

  #start() {
    const by = Math.ceil(this.#newest / FRAMES);
    let epoch = this.epoch >= this.#newest ? -by : this.epoch;
    this.play.textContent = "Stop";
    this.#timer = setInterval(() => {
      epoch = Math.min(this.#newest, epoch + by);
      this.change(epoch);
      if (epoch >= this.#newest) this.stop();
    }, FRAME_MS);
  }
}
