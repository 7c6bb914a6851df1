import { h } from "./dom.js";

const SHOWN_MS = 8000;

/**
 * Tell the reader something for some seconds; screen readers read it out.
 *
 * @param {string} text
 * @param {"note" | "error"} [kind]
 */
export function toast(text, kind = "note") {
  const close = h(
    "button",
    { type: "button", class: "quiet", "aria-label": "Close", onclick: () => box.remove() },
    "×",
  );
  const box = h(
    "div",
    { class: `toast ${kind}`, role: kind === "error" ? "alert" : "status" },
    h("span", null, text),
    close,
  );
  document.getElementById("toasts")?.append(box);
  setTimeout(() => box.remove(), SHOWN_MS);
}
