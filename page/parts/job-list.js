import { get } from "../lib/api.js";
import { fill, h, moment } from "../lib/dom.js";
import { follow } from "../lib/feed.js";
import { hash } from "../lib/place.js";
import { actions, stageOf } from "./job-actions.js";
import { hasEnded, progressLine, share, statusWord } from "./job-words.js";

const MOST = 200; // rows, however long the page is open

/** All jobs that the reader may see, the newest first, as they go on. */
export class JobList {
  /** @type {Map<string, { job: any, row: HTMLElement }>} */ #rows = new Map();
  /** @type {string | null} */ #next = null;

  /** @param {(job: any) => string} changes What sets a training apart from its preset. */
  constructor(changes) {
    this.changes = changes;
    this.list = h("ul", { class: "jobs" });
    this.more = h("button", { type: "button", onclick: () => this.#page() }, "Older jobs");
    this.element = h("section", null, h("h2", null, "Jobs"), this.list, this.more);
  }

  /** @param {AbortSignal} signal */
  async open(signal) {
    const start = async () => {
      this.#next = "/jobs?limit=20";
      this.#rows.clear();
      fill(this.list);
      return (await this.#page()).event;
    };
    const event = await start();
    follow((event) => this.#take(event), { after: event, gap: start, signal });
  }

  async #page() {
    const page = await get(this.#next ?? "/jobs");
    for (const job of page.data) this.#put(job, false);
    this.#next = page.next;
    this.more.hidden = !page.next || this.#rows.size >= MOST;
    if (!this.#rows.size) fill(this.list, h("li", { class: "soft" }, "There is none yet."));
    return page;
  }

  /** @param {import("../lib/feed.js").FeedEvent} event */
  async #take({ job: id, type, data }) {
    const known = this.#rows.get(id);
    if (type === "deleted") return this.#drop(id);
    if (type === "epoch" || type === "warning") return;
    if (type === "progress" && known) {
      known.job.progress = { ...known.job.progress, ...data };
      return this.#write(known);
    }
    const job = await get(`/jobs/${id}`).catch(() => null); // gone already
    if (job) this.#put(job, true);
  }

  /** @param {string} id */
  #drop(id) {
    this.#rows.get(id)?.row.remove();
    this.#rows.delete(id);
  }

  /** @param {any} job @param {boolean} first Whether one that is not there yet comes first. */
  #put(job, first) {
    let known = this.#rows.get(job.id);
    if (known) known.job = job;
    else {
      if (!this.#rows.size) fill(this.list);
      known = { job, row: h("li", { class: "card" }) };
      this.#rows.set(job.id, known);
      if (first) this.list.prepend(known.row);
      else this.list.append(known.row);
      const last = this.list.lastElementChild;
      if (first && this.#rows.size > MOST && last) this.#drop(last.id.slice(4));
    }
    this.#write(known);
  }

  /** @param {{ job: any, row: HTMLElement }} known */
  #write({ job, row }) {
    const [word, kind] = statusWord(job);
    const name = job.kind === "import" ? `Import of ${job.name}` : `${job.recipe.dataset}, ${job.preset}`;
    const when = moment(job.created_at);
    const tools = row.querySelector(".actions") ?? h("div", { class: "actions" });
    const state = stageOf(job);
    const isSame = row.dataset["state"] === state;
    row.dataset["state"] = state;
    row.id = `job-${job.id}`;
    if (!isSame) fill(tools, actions(job, (now) => now ? this.#put(now, false) : this.#drop(job.id)));
    const parts = [
      h(
        "div",
        { class: "row" },
        h("a", { href: hash(`${job.kind === "import" ? "import" : "job"}/${job.id}`) }, name),
        h("span", { class: `tag ${kind}` }, word),
      ),
      h("small", null, job.status === "running" ? progressLine(job.progress) : when),
      job.kind === "train" && h("small", { class: "changes" }, this.changes(job)),
      !hasEnded(job.status) &&
      h("progress", { max: 1, value: share(job.progress) ?? 0, "aria-label": `Progress of ${name}` }),
    ];
    const about = row.querySelector(".about") ?? h("div", { class: "about" });
    fill(about, parts);
    if (!about.isConnected) fill(row, about, tools);
  }
}
