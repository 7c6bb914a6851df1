/** What was wrong with files that came, in pages. */

import { get } from "../lib/api.js";
import { fill, h } from "../lib/dom.js";

/**
 * @param {string} url Of the problems of an import or a data set.
 * @param {string} [code] Those of one kind alone.
 * @param {AbortSignal} [signal]
 */
export async function faults(url, code, signal) {
  const body = h("tbody", null);
  const more = h("p", null);
  const table = h(
    "div",
    { class: "scrolling", tabIndex: 0, role: "region", "aria-label": "Files with problems" },
    h(
      "table",
      null,
      h("thead", null, h("tr", null, ["File", "What", "It was"].map((text) => h("th", null, text)))),
      body,
    ),
    more,
  );
  /** @param {string} from @param {Record<string, string>} [query] */
  const load = async (from, query) => {
    const page = await get(from, query, signal);
    for (const { file, detail, action } of page.data) {
      body.append(h("tr", null, [file, detail, action].map((text) => h("td", null, text))));
    }
    fill(more, page.has_more && h("button", { type: "button", onclick: () => load(page.next) }, "More files"));
  };
  await load(url, code ? { code } : {});
  return body.children.length ? table : null;
}

/** @param {{ detail: string, hint: string }[]} warnings */
export function warned(warnings) {
  return h("ul", null, warnings.map(({ detail, hint }) => h("li", null, `${detail}: ${hint}`)));
}
