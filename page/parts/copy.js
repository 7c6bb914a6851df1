import { h } from "../lib/dom.js";
import { toast } from "../lib/toast.js";

/**
 * A text to copy, with a button that does.
 *
 * @param {string} label
 * @param {string} text
 */
export function copyable(label, text) {
  const field = h("textarea", { readOnly: true, rows: text.split("\n").length, wrap: "off", value: text });
  field.addEventListener("focus", () => field.select());
  return h(
    "div",
    { class: "copy" },
    h("label", null, h("span", null, label), field),
    h("button", { type: "button", "aria-label": `Copy: ${label}`, onclick: () => copy(field) }, "Copy"),
  );
}

/** @param {HTMLTextAreaElement} field */
async function copy(field) {
  field.select();
  try {
    if (navigator.clipboard) await navigator.clipboard.writeText(field.value);
    else document.execCommand("copy"); // a page that came over plain HTTP has no clipboard
    toast("Copied.");
  } catch {
    toast("The browser does not let this page copy: the text is selected, press Ctrl-C.", "error");
  }
}
