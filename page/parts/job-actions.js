import { send } from "../lib/api.js";
import { h } from "../lib/dom.js";
import { toast } from "../lib/toast.js";
import { hasEnded } from "./job-words.js";

const SURE_MS = 4000;

/**
 * The buttons for what may be done with a job now. What cannot be taken back asks to be pressed twice.
 *
 * @param {any} job As `GET /jobs/{id}` has it.
 * @param {(job: any) => void} done Called with the job as it is then, null once it is deleted.
 */
export function actions(job, done) {
  const path = `/jobs/${job.id}`;
  const act = (/** @type {string} */ word) => async () => done(await send("POST", `${path}/${word}`));
  const remove = async () => done(await send("DELETE", path));
  const stage = stageOf(job);
  if (stage === "ended") return [button("Delete", remove, "Delete it and its files?")];
  return [
    stage === "rests" ? button("Resume", act("resume")) : button("Pause", act("pause")),
    button("Cancel", act("cancel"), "Stop it for good?"),
  ];
}

/** What the buttons depend on: they stay while it does, not to vanish from under a finger. @param {any} job */
export function stageOf({ status, request }) {
  return hasEnded(status) ? "ended" : status === "paused" || request === "pause" ? "rests" : "goes on";
}

/**
 * @param {string} name
 * @param {() => Promise<void>} act
 * @param {string} [question] Asked at the first press; the second one acts.
 * @param {string} [needs] The scope that a reader's key must have.
 */
export function button(name, act, question, needs = "jobs:write") {
  let isSure = !question;
  const press = async () => {
    if (!isSure) {
      isSure = true;
      made.textContent = question ?? name;
      setTimeout(() => {
        isSure = false;
        made.textContent = name;
      }, SURE_MS);
      return;
    }
    made.disabled = true;
    try {
      await act();
    } catch (error) {
      toast(/** @type {Error} */ (error).message, "error");
    }
    made.disabled = false;
  };
  const kind = { type: "button", class: question ? "danger" : "", "data-needs": needs };
  const made = h("button", { ...kind, onclick: press }, name);
  return made;
}
