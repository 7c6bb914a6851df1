/**
 * Pictures of what a pointer drags: one is on its way at a time, and of those wanted meanwhile only the newest is fetched.
 */
export class Newest {
  /** @type {string | null} */
  #wanted = null;
  #isBusy = false;

  /**
   * @param {(image: HTMLImageElement) => void} arrived With a decoded picture, so that showing it takes no time.
   * @param {(url: string) => void} failed
   */
  constructor(arrived, failed) {
    this.arrived = arrived;
    this.failed = failed;
  }

  /** @param {string} url */
  want(url) {
    this.#wanted = url;
    if (!this.#isBusy) this.#work();
  }

  async #work() {
    this.#isBusy = true;
    while (this.#wanted !== null) {
      const url = this.#wanted;
      const image = new Image();
      image.src = url;
      const done = await image.decode().then(() => true, () => false);
      if (this.#wanted === url) this.#wanted = null;
      if (done) this.arrived(image);
      else if (this.#wanted === null) this.failed(url);
    }
    this.#isBusy = false;
  }
}
