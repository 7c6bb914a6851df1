/**
 * What a pointer drags over: one is loaded at a time, and of those wanted meanwhile only the newest.
 *
 * @template K, V
 */
export class Newest {
  /** @type {K | null} */
  #wanted = null;
  #isBusy = false;

  /**
   * @param {(key: K) => Promise<V>} load
   * @param {(value: V, key: K) => void} arrived
   * @param {(key: K) => void} [failed] Only of one that is wanted still.
   */
  constructor(load, arrived, failed) {
    this.load = load;
    this.arrived = arrived;
    this.failed = failed;
  }

  /** @param {K} key */
  want(key) {
    this.#wanted = key;
    if (!this.#isBusy) this.#work();
  }

  async #work() {
    this.#isBusy = true;
    while (this.#wanted !== null) {
      const key = this.#wanted;
      const value = await this.load(key).catch(() => null);
      if (this.#wanted === key) this.#wanted = null;
      if (value) this.arrived(value, key);
      else if (this.#wanted === null) this.failed?.(key);
    }
    this.#isBusy = false;
  }
}

/** @param {string} src @returns {Promise<HTMLImageElement>} Decoded, so that showing it takes no time. */
export async function decoded(src) {
  const image = new Image();
  image.src = src;
  await image.decode();
  return image;
}
