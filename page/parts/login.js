import { Problem, send } from "../lib/api.js";
import { fill, h, moment } from "../lib/dom.js";
import { hash, parse } from "../lib/place.js";
import { look, session } from "../lib/session.js";
import { toast } from "../lib/toast.js";
import { shareForm } from "./share.js";

const RIGHTS = {
  admin: "Everything, and keys.",
  watch: "See all jobs, models and data sets, and draw. Change nothing.",
  generate: "Draw.",
  "jobs:read": "See own jobs, and data sets.",
  "jobs:write": "Train.",
  "models:write": "Change models, and which one is active.",
  "datasets:write": "Import and delete data sets.",
  metrics: "Read metrics.",
};

let hasDeclined = false; // until the reader does something again: what is asked for meanwhile is of before, or of no hand

/**
 * Where the service asks for a key, ask the reader. A key in the fragment, as in a link for a class, is taken out of the
 * address at once, and used.
 *
 * @param {() => void} again Called once the reader is another one.
 * @returns {Promise<void>} Settled once a key in the fragment was used; until then views would be refused.
 */
export function askForKeys(again) {
  const account = /** @type {HTMLButtonElement} */ (document.getElementById("account"));
  account.addEventListener("click", () => session()?.id ? showAccount(again) : showLogin(again));
  addEventListener("session-changed", () => {
    const known = session();
    account.hidden = !known?.keys_required;
    account.textContent = known?.name ?? "Log in";
    if (known?.id) account.title = "Your key";
    else account.removeAttribute("title");
  });
  const ask = () => refresh().then(() => !hasDeclined && isLockedOut() && showLogin(again));
  addEventListener("key-needed", ask);
  for (const act of ["pointerdown", "keydown"]) addEventListener(act, () => hasDeclined = false, { capture: true });
  addEventListener("hashchange", (event) => {
    const key = takeKey();
    if (!key) return;
    event.stopImmediatePropagation();
    useLink(key, again).then(again);
  });
  const key = takeKey();
  if (key) return useLink(key, again);
  ask();
  return Promise.resolve();
}

function isLockedOut() {
  const known = session();
  return known?.keys_required && !known.id;
}

/** @returns {string | undefined} The key in the fragment, which is there no more. */
function takeKey() {
  const { view, query } = parse(location.hash);
  const { key, ...rest } = query;
  if (key) history.replaceState(null, "", hash(view, rest));
  return key;
}

/**
 * @param {string} key
 * @param {() => void} again
 */
async function useLink(key, again) {
  try {
    const { id, name } = await look();
    if (!id) await logIn(key);
    else toast(`You are logged in as ${name}. To use the key of this link instead, log out and open it again.`);
  } catch (error) {
    await refresh();
    if (session()?.keys_required) showLogin(again, `This link does not let you in: ${words(error)}`);
  }
}

/** @param {string} key */
async function logIn(key) {
  await send("POST", "/session", { key });
  await look();
}

/** Ask who the reader is; a service that does not answer is told of elsewhere. */
async function refresh() {
  await look().catch((error) => {
    if (!(error instanceof Problem)) throw error;
  });
}

/**
 * @param {() => void} again
 * @param {string} [why]
 */
function showLogin(again, why = "") {
  const there = document.querySelector("dialog.login [role=alert]");
  if (there) {
    if (why) fill(there, why);
    return;
  }
  const fault = h("p", { class: "problem", role: "alert" }, why);
  const key = h("input", {
    id: "key",
    type: "password",
    required: true,
    autocomplete: "current-password",
    spellcheck: false,
  });
  const form = h(
    "form",
    { class: "stack" },
    h("h2", { id: "login-title" }, "Log in"),
    h("p", null, "This service asks for a key. Whoever runs it can make you one; it begins with df_."),
    h("label", { for: "key" }, "Key"),
    key,
    fault,
    h(
      "div",
      { class: "row" },
      h("button", { class: "primary" }, "Log in"),
      h("button", { type: "button", onclick: () => dialog.close() }, "Not now"),
    ),
  );
  const dialog = open("login", "login-title", form);
  dialog.addEventListener("close", () => hasDeclined = true);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      await logIn(key.value.trim());
      dialog.close();
      again();
    } catch (error) {
      fill(fault, words(error));
      key.select();
    }
  });
}

/** @param {() => void} again */
function showAccount(again) {
  const known = session();
  const scopes = known?.scopes ?? [];
  const until = known?.expires_at ? moment(known.expires_at) : null;
  const out = h("button", {
    type: "button",
    onclick: async () => {
      try {
        await send("DELETE", "/session");
        await look();
        dialog.close();
        again();
        showLogin(again);
      } catch (error) {
        toast(words(error), "error");
      }
    },
  }, "Log out");
  const dialog = open(
    "account",
    "account-title",
    h("h2", { id: "account-title" }, known?.name),
    h("p", null, "You may do this with your key", until && ` until ${until}`, ":"),
    h("ul", null, scopes.map((scope) => h("li", null, /** @type {Record<string, string>} */ (RIGHTS)[scope] ?? scope))),
    scopes.includes("admin") && shareForm(),
    h("div", { class: "row" }, out, h("button", { type: "button", onclick: () => dialog.close() }, "Close")),
  );
}

/**
 * @param {string} kind
 * @param {string} title Id of its heading.
 * @param {...(import("../lib/dom.js").Child | import("../lib/dom.js").Child[])} children
 */
function open(kind, title, ...children) {
  const dialog = h("dialog", { class: `${kind} panel`, "aria-labelledby": title }, ...children);
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

/** @param {unknown} error */
function words(error) {
  if (error instanceof Problem) return error.message;
  throw error;
}
