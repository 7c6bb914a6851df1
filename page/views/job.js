import { at, get, Problem } from "../lib/api.js";
import { fill, h } from "../lib/dom.js";
import { follow } from "../lib/feed.js";
import { history, load, reduce } from "../lib/jobs.js";
import { go, hash } from "../lib/place.js";
import { View } from "../lib/view.js";
import { actions, stageOf } from "../parts/job-actions.js";
import { advice, hasEnded, progressLine, share, statusWord, title } from "../parts/job-words.js";
import { RunCharts } from "../parts/run-charts.js";
import { Samples } from "../parts/samples.js";
import { epochOf, TimeSlider } from "../parts/time.js";

/** A job as it goes on, and through time: `#job/<id>?epoch=12&tile=7`. */
export class JobView extends View {
  #id = "";
  /** @type {any} */ #job = null;
  #history = history();
  /** @type {Record<string, string>} */ #query = {};
  #ahead = "";
  #isDue = false;
  #opened = new AbortController();
  /** @type {TimeSlider | undefined} */ #time;
  /** @type {Samples | undefined} */ #samples;
  /** @type {RunCharts | undefined} */ #charts;
  /** @type {Record<string, HTMLElement>} */ #at = {};

  /** @param {import("../lib/place.js").Place} place */
  async show({ view, query }) {
    const id = view.split("/")[1] || "-";
    this.#query = query;
    if (id !== this.#id) await this.#open(id);
    if (this.#id) this.#draw();
  }

  /** @param {string} id */
  async #open(id) {
    this.#opened.abort();
    this.#opened = new AbortController();
    const signal = AbortSignal.any([this.leaving, this.#opened.signal]);
    const job = await get(`/jobs/${id}`, {}, signal);
    if (job.kind === "import") return go(hash(`import/${id}`), { replace: true });
    this.#job = job;
    const { event } = await get("/jobs", { limit: 1 }, signal);
    await this.#count(signal);
    this.#id = id;
    this.#history = await load(id, signal);
    this.#build(signal);
    const again = async () => {
      this.#history = await load(id, signal);
      await this.#read();
    };
    follow((event) => event.job === id && this.#take(event), { after: event, gap: again, signal });
    this.#charts?.compareWithActive(this.#job, signal);
  }

  /** @param {import("../lib/feed.js").FeedEvent} event */
  #take(event) {
    const { type, data } = event;
    if (type === "deleted") return go("#train");
    this.#history = reduce(this.#history, event);
    if (type === "progress" || (type === "epoch" && !data.scores)) this.#soon();
    else this.#read();
  }

  /** Read the record: events do not say all of it. */
  async #read() {
    try {
      this.#job = await get(`/jobs/${this.#id}`, {}, this.#opened.signal);
      await this.#count(this.#opened.signal);
    } catch (error) {
      if (this.#opened.signal.aborted || this.leaving.aborted) return;
      if (!(error instanceof Problem) || error.status) throw error;
    }
    this.#soon();
  }

  #soon() {
    if (this.#isDue) return;
    this.#isDue = true;
    requestAnimationFrame(() => {
      this.#isDue = false;
      if (!this.leaving.aborted) this.#draw();
    });
  }

  /** @param {AbortSignal} signal */
  #build(signal) {
    const job = this.#job, place = `job/${this.#id}`;
    this.heading = `Training on ${job.recipe.dataset}`;
    const part = (/** @type {string} */ name, /** @type {keyof HTMLElementTagNameMap} */ tag = "div") =>
      this.#at[name] = h(tag, { class: name });
    const move = (/** @type {object} */ query) => go(hash(place, { ...this.#query, ...query }), { replace: true });
    this.#time = new TimeSlider((epoch) => move({ epoch }), signal);
    this.#samples = new Samples(this.#id, (tile) => move({ tile }), signal);
    this.#charts = new RunCharts((epoch) => move({ epoch }));
    fill(
      this,
      h("div", { class: "row" }, h("h1", null, this.heading), part("status", "span")),
      part("line", "p"),
      this.#at["bar"] = h("progress", { max: 1, "aria-label": "Progress" }),
      part("actions"),
      part("facts"),
      part("warnings"),
      this.#at["run"] = h(
        "div",
        { class: "stack" },
        this.#time.element,
        h("div", { class: "run" }, h("div", null, this.#samples.grid, part("epoch")), this.#charts.element),
        this.#samples.tile,
      ),
      part("more"),
    );
    this.#at["status"]?.setAttribute("aria-live", "polite");
    this.#more();
    document.addEventListener("keydown", (event) => {
      const isTyped = event.target instanceof Element && event.target.closest("input, select, textarea, .scroll");
      const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (by && !isTyped && !event.ctrlKey && !event.altKey && !event.metaKey) this.#time?.step(by);
    }, { signal });
  }

  #draw() {
    const job = { ...this.#job, progress: { ...this.#job.progress, ...this.#history.progress } };
    const [word, kind] = statusWord(job);
    fill(this.#put("status"), h("span", { class: `tag ${kind}` }, word));
    fill(this.#put("line"), this.#line(job));
    const bar = /** @type {HTMLProgressElement} */ (this.#put("bar"));
    bar.hidden = hasEnded(job.status);
    bar.value = share(job.progress) ?? 0;
    const state = `${stageOf(job)} ${job.model}`;
    if (this.#put("actions").dataset["state"] !== state) {
      this.#put("actions").dataset["state"] = state;
      fill(
        this.#put("actions"),
        this.#links(job),
        actions(job, (now) => now ? (this.#job = now, this.#soon()) : go("#train")),
      );
    }
    fill(this.#put("facts"), this.#facts(job));
    fill(this.#put("warnings"), this.#history.warnings.map((one) => this.#warning(one)));
    this.#drawRun(job);
  }

  /** @param {any} job */
  #drawRun(job) {
    const { epochs, sample: newest } = this.#history;
    this.#put("run").hidden = newest === null;
    if (newest === null) return;
    const epoch = epochOf(this.#query["epoch"], newest);
    this.#time?.show(epoch, newest, this.#query["epoch"] === undefined);
    this.#samples?.show(epoch, Math.min(63, Number(this.#query["tile"]) || 0), newest);
    this.#charts?.show(epochs);
    this.#charts?.mark(epoch);
    const model = `${this.#id}@${epoch}`, base = `/jobs/${this.#id}`;
    const best = job.progress.best?.epoch;
    const file = (/** @type {string} */ part) => at(`${base}/checkpoints/${epoch}/${part}`);
    const film = (/** @type {string} */ format) => at(`${base}/timelapse`, { format });
    fill(
      this.#put("epoch"),
      h("p", { class: "soft" }, epoch === best ? "The best epoch so far: its checkpoint is the run's model." : ""),
      h(
        "p",
        { class: "row" },
        epoch > 0 && h("a", { class: "button", href: hash("draw", { model }) }, `Draw with epoch ${epoch}`),
        epoch > 0 && h("a", { class: "button", href: hash("compare", { a: model }) }, `Compare epoch ${epoch}`),
        epoch > 0 && h("a", { href: file("generator"), download: "" }, "Weights of G"),
        epoch > 0 && h("a", { href: file("discriminator"), download: "" }, "Weights of D"),
        h("a", { href: at(`${base}/samples/${epoch}`), download: `${this.#id}-${epoch}.png` }, "Grid as PNG"),
        newest > 0 && h("a", { href: film("gif"), download: `${this.#id}.gif` }, "Film as GIF"),
        newest > 0 && h("a", { href: film("webp"), download: `${this.#id}.webp` }, "Film as WebP"),
      ),
    );
  }

  /** @param {any} job */
  #line(job) {
    if (job.status === "running") return progressLine(job.progress, this.#history.judging);
    if (job.status === "queued") return this.#ahead;
    if (job.status === "paused") return "Its state is saved. Resume it whenever you like.";
    if (job.error) return h("span", { class: "problem" }, job.error.detail);
    if (job.publication) {
      return `${
        job.publication.active ? "Its model is active" : "Its model is on the shelf"
      }: ${job.publication.reason}.`;
    }
    return "";
  }

  /** How many of its kind wait before it. @param {AbortSignal} signal */
  async #count(signal) {
    const { kind, status, created_at } = this.#job;
    if (status !== "queued") return;
    const { data } = await get("/jobs", { status, limit: 100 }, signal);
    const ahead = data.filter((/** @type {any} */ one) => one.kind === kind && one.created_at < created_at).length;
    this.#ahead = ahead ? `It waits for a worker, behind ${ahead} other${ahead > 1 ? "s" : ""}.` : "It is next.";
  }

  /** @param {any} job */
  #links(job) {
    const again = h(
      "a",
      { class: "button", "data-needs": "jobs:write", href: hash("train", { from: job.id }) },
      "Train again, changed",
    );
    const draw = job.model && h("a", { class: "button", href: hash("draw", { model: job.model }) }, "Draw with it");
    return [draw, again];
  }

  /** @param {any} job */
  #facts(job) {
    const facts = [
      `job ${job.id}`,
      `recipe ${job.preset}`,
      job.device && `on ${job.device}`,
      job.attempt > 1 && `attempt ${job.attempt}`,
    ];
    return h("p", { class: "soft" }, facts.filter(Boolean).join(" · "));
  }

  /** @param {{ kind: string, step: number, detail: string, hint: string }} warning */
  #warning({ kind, step, detail, hint }) {
    const recipe = this.#job.recipe ?? {};
    return h(
      "section",
      { class: "card warning" },
      h("h2", null, h("span", { class: "tag warn" }, "Warning"), ` ${title(kind)}`),
      h("p", null, `At step ${step}: ${detail}.`),
      h("p", null, `What may help: ${hint}.`),
      h(
        "p",
        { class: "row" },
        advice(hint, recipe).map(([knob, value]) =>
          h(
            "a",
            {
              class: "button",
              "data-needs": "jobs:write",
              href: hash("train", { from: this.#id, [knob]: value }),
            },
            `Again with ${knob} ${value}`,
          )
        ),
      ),
    );
  }

  /** What is read only when it is opened. */
  #more() {
    const base = `/jobs/${this.#id}`, job = this.#job;
    const fold = (/** @type {string} */ name, /** @type {() => Promise<Node>} */ content) => {
      const into = h("div", { role: "status" });
      const opened = async () => {
        if (!box.open) return;
        try {
          fill(into, await content());
        } catch (error) {
          fill(into, h("p", { class: "soft" }, /** @type {Error} */ (error).message));
        }
      };
      const box = h("details", { class: "card", ontoggle: opened }, h("summary", null, name), into);
      return box;
    };
    const scroll = (/** @type {string} */ name, /** @type {Node | string} */ text) =>
      h("pre", { class: "scroll", tabIndex: 0, role: "group", "aria-label": name }, text);
    const log = async () =>
      scroll("Log", await (await fetch(at(`${base}/logs`, { tail: 100 }))).text() || "It is empty.");
    const pairs = async () => {
      await get(base);
      const alt = "Drawn images, each with its nearest training image on its right";
      const image = h("img", { class: "pixels", src: at(`${base}/pairs.png`), alt });
      await image.decode().catch(() => Promise.reject(new Error("They are made once an epoch is scored.")));
      return h("figure", null, image, h("figcaption", { class: "soft" }, `${alt}.`));
    };
    fill(
      this.#put("more"),
      fold("Did it memorise? The drawn images that are most likely copies", pairs),
      fold("The end of the log", log),
      fold("Its recipe", () => Promise.resolve(scroll("Recipe", JSON.stringify(job.recipe, null, 2)))),
    );
  }

  /** @param {string} name */
  #put(name) {
    return /** @type {HTMLElement} */ (this.#at[name]);
  }
}
