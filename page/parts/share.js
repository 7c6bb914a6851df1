import { ask, at, get, Problem, send } from "../lib/api.js";
import { fill, h, moment } from "../lib/dom.js";
import { hash, parse } from "../lib/place.js";
import { toast } from "../lib/toast.js";

const HOUR_S = 3600;
const LIVES = { "1 hour": 1, "8 hours, a school day": 8, "1 week": 168, "30 days": 720 };

/**
 * For an admin: make a read-only link to the view that is shown, and end those that were made.
 *
 * @returns {HTMLElement}
 */
export function shareForm() {
  const name = h("input", { id: "share-name", required: true, maxLength: 64, value: "class" });
  const life = h(
    "select",
    { id: "share-life" },
    Object.entries(LIVES).map(([text, hours]) => h("option", { value: hours, selected: hours === 8 }, text)),
  );
  const fault = h("p", { class: "problem", role: "alert" });
  const made = h("div", { class: "stack", "aria-live": "polite" });
  const links = h("ul", { class: "links" });
  const form = h(
    "form",
    { class: "stack" },
    h("h3", null, "Share"),
    h(
      "p",
      { class: "soft" },
      "A link to this view, to look and to draw. Whoever has it sees all jobs, models and data sets, and changes nothing.",
    ),
    h(
      "div",
      { class: "row" },
      h("label", { for: "share-name" }, "For "),
      name,
      h("label", { for: "share-life" }, "valid for "),
      life,
      h("button", { class: "primary" }, "Make a link"),
    ),
    fault,
    made,
    links,
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    told(fault, async () => {
      const wanted = { name: name.value, scopes: ["watch"], expires_s: HOUR_S * Number(life.value) };
      fill(made, ...shown(linkWith((await send("POST", "/keys", wanted)).key)));
      await list();
    });
  });

  const list = async () => {
    const keys = /** @type {Key[]} */ ((await get("/keys")).data).filter(isLink).reverse(); // newest first
    fill(
      links,
      keys.map((key) =>
        h(
          "li",
          { class: "row" },
          `${key.name}, until ${moment(/** @type {string} */ (key.expires_at))}`,
          h("button", {
            type: "button",
            class: "danger",
            "aria-label": `End the link for ${key.name}`,
            onclick: end(key.id),
          }, "End it"),
        )
      ),
    );
  };
  /** @param {string} id */
  const end = (id) => () =>
    told(fault, async () => {
      await ask(at(`/keys/${id}`), { method: "DELETE" });
      fill(made);
      await list();
    });
  told(fault, list);
  return form;
}

/** @typedef {{ id: string, name: string, scopes: string[], expires_at: string | null, in_file: boolean }} Key */

/** @param {Key} key */
function isLink(key) {
  const isWatch = key.scopes.length === 1 && key.scopes[0] === "watch";
  return isWatch && !key.in_file && key.expires_at !== null && new Date(key.expires_at) > new Date();
}

/**
 * The address of the view that is shown, with a key.
 *
 * @param {string} key
 */
export function linkWith(key) {
  const { view, query } = parse(location.hash);
  return at("/") + hash(view, { ...query, key });
}

/** @param {string} link */
function shown(link) {
  const field = h("input", { id: "share-link", readOnly: true, value: link });
  const copy = async () => {
    field.select();
    try {
      await navigator.clipboard.writeText(link); // not there over plain HTTP
      toast("Copied.");
    } catch {
      toast("The link is selected: copy it with Ctrl-C.");
    }
  };
  return [
    h("label", { for: "share-link" }, "The link. It cannot be shown again."),
    h("div", { class: "row" }, field, h("button", { type: "button", onclick: copy }, "Copy")),
  ];
}

/**
 * @param {HTMLElement} fault Where a refusal is told.
 * @param {() => Promise<void>} action
 */
async function told(fault, action) {
  fill(fault);
  try {
    await action();
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    fill(fault, error.errors[0]?.detail ?? error.message);
  }
}
