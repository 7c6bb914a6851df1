import { ask, at, get, Problem, send } from "../lib/api.js";
import { fill, h } from "../lib/dom.js";
import { go, hash } from "../lib/place.js";
import { mayWrite } from "../lib/session.js";
import { View } from "../lib/view.js";
import { JobList } from "../parts/job-list.js";
import { duration } from "../parts/job-words.js";
import { changesOf, KnobForm } from "../parts/knobs.js";

/** @typedef {import("../parts/knobs.js").Value} Value */
/** @typedef {{ preset: string, dataset: string, publish: string, knobs: Record<string, Value> }} Form */

const HOME = "mnist", DEFAULT = "quality", PROPOSED = "proposed", PUBLISH = "auto";
const PAUSE_MS = 300; // after a key, before the service is asked
/** @type {Record<string, string>} */
const PUBLISH_WORDS = {
  auto: "becomes active unless it is worse",
  always: "becomes active",
  never: "stays on the shelf",
};

/** Starting a training, and the jobs: `#train?preset=fast&epochs=3`, or `#train?from=<job>&lr_d=0.0001`. */
export class TrainView extends View {
  heading = "Train";
  /** @type {any} */ #presets = null;
  /** @type {KnobForm | undefined} */ #knobs;
  /** @type {Form} */ #form = { preset: DEFAULT, dataset: HOME, publish: PUBLISH, knobs: {} };
  /** @type {{ of: string, recipe: Record<string, Value> }} */ #base = { of: "", recipe: {} };
  #asked = 0;
  #turn = 0;
  #key = "";
  /** @type {Record<string, HTMLElement>} */ #at = {};

  /** @param {import("../lib/place.js").Place} place */
  async show({ query }) {
    const turn = ++this.#turn;
    if (!this.#presets) await this.#open();
    const job = query["from"] ? await get(`/jobs/${query["from"]}`, {}, this.leaving) : null;
    const dataset = query["dataset"] ?? job?.recipe.dataset ?? HOME;
    const preset = query["preset"] ?? job?.preset ?? (this.#isFolder(dataset) ? DEFAULT : PROPOSED);
    const publish = query["publish"] ?? job?.publish ?? PUBLISH;
    const base = await this.#baseOf(preset, dataset);
    if (turn !== this.#turn) return; // the reader has chosen something else meanwhile
    const knobs = changesOf(this.#presets.knobs, query, job?.recipe, base);
    this.#form = { preset, dataset, publish, knobs };
    this.#write();
    this.#estimate();
  }

  async #open() {
    fill(this, h("h1", null, "Train"));
    const [presets, sets] = await Promise.all([get("/presets", {}, this.leaving), get("/datasets", {}, this.leaving)]);
    this.#presets = { ...presets, knobs: presets.knobs.filter((/** @type {any} */ one) => one.name !== "dataset") };
    this.#knobs = new KnobForm(this.#presets.knobs, (knobs) => this.#change({ knobs }));
    const names = [HOME, ...sets.data.map((/** @type {any} */ one) => one.names[0] ?? one.id)];
    const choice = (
      /** @type {"dataset" | "publish"} */ name,
      /** @type {string} */ label,
      /** @type {[string, string][]} */ of,
    ) =>
      h(
        "p",
        null,
        h("label", { for: name }, label, " "),
        this.#at[name] = h(
          "select",
          {
            id: name,
            oninput: (/** @type {any} */ event) =>
              this.#change({ [name]: event.target.value, ...(name === "dataset" ? { preset: "" } : {}) }),
          },
          of.map(([value, text]) => h("option", { value }, text)),
        ),
      );
    const list = new JobList(({ preset, recipe }) => {
      const base = this.#presetOf(preset, recipe.dataset)?.recipe ?? recipe;
      const changed = Object.entries(changesOf(this.#presets.knobs, {}, recipe, base));
      return changed.map(([name, value]) => `${name} ${value}`).join(", ");
    });
    fill(
      this,
      h("h1", null, "Train"),
      h(
        "div",
        { class: "start" },
        h(
          "form",
          { onsubmit: (/** @type {Event} */ event) => (event.preventDefault(), this.#start()), noValidate: true },
          choice("dataset", "Data set", [...new Set(names)].map((name) => [name, name])),
          this.#at["presets"] = h("fieldset", { class: "presets" }),
          choice(
            "publish",
            "Its model",
            presets.publish.map((/** @type {any} */ one) => {
              const name = one.name ?? one;
              return [name, PUBLISH_WORDS[name] ?? name];
            }),
          ),
          h(
            "p",
            { class: "soft" },
            "Each knob below begins as its preset has it. A name is as in the recipe of a model.",
          ),
          this.#knobs.element,
          this.#at["faults"] = h("div", { class: "problem", role: "alert" }),
          h(
            "p",
            { class: "row go" },
            this.#at["go"] = h("button", { class: "primary", "data-needs": "jobs:write" }, "Start training"),
            this.#at["estimate"] = h("output", { class: "soft" }),
          ),
        ),
        list.element,
      ),
    );
    await list.open(this.leaving);
  }

  /** @param {string} dataset */
  #isFolder(dataset) {
    return dataset === HOME;
  }

  /** As it is without a question to the service. @param {string} preset @param {string} dataset */
  #presetOf(preset, dataset) {
    return this.#isFolder(dataset) && this.#presets.presets.find((/** @type {any} */ one) => one.name === preset);
  }

  /** The recipe of a preset on a data set, as the service lays them together. @param {string} preset @param {string} dataset */
  async #baseOf(preset, dataset) {
    const of = `${preset} ${dataset}`;
    if (of !== this.#base.of) {
      const known = this.#presetOf(preset, dataset)?.recipe;
      const answer = known ? null : await send("POST", "/estimates", { preset, dataset }).catch(() => null);
      this.#base = { of, recipe: known || answer?.recipe || {} };
    }
    return this.#base.recipe;
  }

  /** @param {Partial<Form>} changes */
  #change(changes) {
    this.#form = { ...this.#form, ...changes }; // at once, for whoever changes more, or starts, before it is shown
    const { dataset, publish, knobs } = this.#form, plain = this.#isFolder(dataset) ? DEFAULT : PROPOSED;
    const preset = this.#form.preset ||= plain;
    /** @type {Record<string, string | number>} */ const query = {};
    for (const [name, value] of Object.entries(knobs)) query[name] = value === null ? "null" : value;
    go(
      hash("train", {
        preset: preset === plain ? null : preset,
        dataset: dataset === HOME ? null : dataset,
        publish: publish === PUBLISH ? null : publish,
        ...query,
      }),
      { replace: true },
    );
  }

  #write() {
    const { preset, dataset, publish, knobs } = this.#form;
    const select = /** @type {HTMLSelectElement} */ (this.#at["dataset"]);
    if (![...select.options].some(({ value }) => value === dataset)) {
      select.append(h("option", { value: dataset }, dataset));
    }
    select.value = dataset;
    /** @type {HTMLSelectElement} */ (this.#at["publish"]).value = publish;
    this.#knobs?.show(this.#base.recipe, knobs);
    const offered = this.#isFolder(dataset)
      ? []
      : [{ name: PROPOSED, description: "The recipe that the data set's card proposes for its images." }];
    const presets = [...offered, ...this.#presets.presets.filter((/** @type {any} */ one) => one.name !== PROPOSED)];
    const names = presets.map(({ name }) => name).join();
    const box = /** @type {HTMLElement} */ (this.#at["presets"]);
    if (box.dataset["names"] !== names) {
      box.dataset["names"] = names;
      fill(box, h("legend", null, "Recipe"), presets.map((one) => this.#card(one)));
    }
    for (const radio of box.querySelectorAll("input")) radio.checked = radio.value === preset;
  }

  /** @param {{ name: string, description: string, minutes?: number }} preset */
  #card({ name, description, minutes }) {
    return h(
      "label",
      { class: "card" },
      h("input", {
        type: "radio",
        name: "preset",
        value: name,
        onchange: () => this.#change({ preset: name, knobs: {} }),
      }),
      h("b", null, ` ${name}`),
      minutes ? h("span", { class: "soft" }, ` about ${duration(minutes * 60)} here`) : "",
      h("small", null, description),
    );
  }

  get #body() {
    const { preset, dataset, publish, knobs } = this.#form;
    return { preset, dataset, publish, ...knobs };
  }

  async #estimate() {
    const mine = ++this.#asked;
    await new Promise((then) => setTimeout(then, PAUSE_MS));
    if (mine !== this.#asked || this.leaving.aborted) return;
    try {
      const found = await send("POST", "/estimates", this.#body);
      if (mine !== this.#asked) return;
      this.#blame([]);
      const by = found.by === "constants" ? "by a rule of thumb" : "going by trainings on this machine";
      const text =
        `About ${duration(found.seconds)}, ${by}: ${found.steps} steps, each image of ${found.images} shown ` +
        `${Math.round(found.kimg * 1000 / found.images)} times.`;
      fill(/** @type {Element} */ (this.#at["estimate"]), text);
    } catch (error) {
      if (mine === this.#asked) this.#refuse(error);
    }
  }

  async #start() {
    if (!mayWrite("jobs:write")) return; // Enter in a field presses a hidden button too
    const button = /** @type {HTMLButtonElement} */ (this.#at["go"]), body = JSON.stringify(this.#body);
    if (!this.#key.endsWith(body)) this.#key = `${[...crypto.getRandomValues(new Uint32Array(4))].join("-")} ${body}`;
    const headers = { "content-type": "application/json", "idempotency-key": this.#key.split(" ", 1)[0] ?? "" };
    button.disabled = true;
    try {
      const job = await (await ask(at("/train"), { method: "POST", headers, body })).json();
      this.#key = "";
      go(hash(`job/${job.id}`));
    } catch (error) {
      this.#refuse(error);
      const fault = /** @type {HTMLElement | null} */ (this.querySelector("[aria-invalid]"));
      fault?.focus({ preventScroll: true });
      fault?.scrollIntoView({ block: "center" });
    }
    button.disabled = false;
  }

  /** @param {unknown} error */
  #refuse(error) {
    if (!(error instanceof Problem)) throw error;
    fill(/** @type {Element} */ (this.#at["estimate"]));
    this.#blame(error.errors.length ? error.errors : [{ detail: error.message }]);
  }

  /** @param {import("../lib/api.js").Fault[]} faults */
  #blame(faults) {
    const others = this.#knobs?.blame(faults) ?? faults;
    const where = (/** @type {import("../lib/api.js").Fault} */ { pointer }) => pointer ? `${pointer.slice(1)}: ` : "";
    fill(/** @type {Element} */ (this.#at["faults"]), others.map((one) => h("p", null, where(one), one.detail)));
  }
}
