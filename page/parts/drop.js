/** Files may be dropped or pasted anywhere on the page: a picture is inspected, all else is imported. */

import { go } from "../lib/place.js";
import { mayWrite } from "../lib/session.js";
import { toast } from "../lib/toast.js";
import { MOST_FILES, zip } from "../lib/zip.js";

/** @typedef {{ path: string, file: File }} Dropped With the folders that it lies in. */

/**
 * What came last, until a view takes it.
 *
 * @type {{ picture: File | null, archive: File | null }}
 */
export const held = { picture: null, archive: null };

export function acceptDrops() {
  const root = document.documentElement;
  addEventListener("dragover", (event) => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    root.classList.add("dropping");
  });
  addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) root.classList.remove("dropping");
  });
  addEventListener("drop", async (event) => {
    root.classList.remove("dropping");
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    const files = [...event.dataTransfer.files];
    const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry());
    const isPlain = !entries.some((entry) => entry?.isDirectory);
    await take(isPlain ? chosen(files) : (await Promise.all(entries.map((entry) => entry ? walk(entry) : []))).flat());
  });
  addEventListener("paste", (event) => {
    const files = [...event.clipboardData?.files ?? []];
    if (files.length) take(chosen(files));
  });
}

/** @param {Iterable<File>} files Of a file chooser. @returns {Dropped[]} */
export function chosen(files) {
  return [...files].map((file) => ({ path: file.webkitRelativePath || file.name, file }));
}

/** Show a picture, or offer files for import; several become one archive. @param {Dropped[]} files */
export async function take(files) {
  const [first] = files;
  if (!first) return toast("There is no file in it.", "error");
  if (files.length === 1 && first.file.type.startsWith("image/")) {
    held.picture = first.file;
    go("#inspect");
  } else if (!mayWrite("datasets:write")) {
    return toast("Your key may look at data sets, not import one.", "error");
  } else {
    if (files.length > MOST_FILES) {
      return toast(`These are over ${MOST_FILES} files: pack them as a tar first.`, "error");
    }
    try {
      held.archive = files.length === 1 ? first.file : await pack(files);
    } catch {
      return toast("A file could not be read: it has changed or moved since it was chosen.", "error");
    }
    go("#datasets");
  }
  dispatchEvent(new Event("dropped"));
}

/** @param {Dropped[]} files */
async function pack(files) {
  files.sort((a, b) => a.path < b.path ? -1 : 1);
  const [folder, ...rest] = files[0]?.path.split("/") ?? [];
  const name = rest.length && files.every(({ path }) => path.startsWith(`${folder}/`)) ? folder : "images";
  const lastModified = files.reduce((newest, { file }) => Math.max(newest, file.lastModified), 0);
  return new File([await zip(files)], `${name}.zip`, { lastModified });
}

/** @param {FileSystemEntry} entry @returns {Promise<Dropped[]>} */
async function walk(entry) {
  const path = entry.fullPath.slice(1);
  if (entry.isFile) {
    const file = /** @type {FileSystemFileEntry} */ (entry);
    return [{ path, file: await new Promise((resolve, reject) => file.file(resolve, reject)) }];
  }
  const reader = /** @type {FileSystemDirectoryEntry} */ (entry).createReader();
  const found = [];
  for (;;) { // it answers with up to a hundred at a time
    const some = await /** @type {Promise<FileSystemEntry[]>} */ (new Promise((resolve, reject) =>
      reader.readEntries(resolve, reject)
    ));
    if (!some.length) {
      return found;
    }
    for (const one of some) {
      found.push(...await walk(one));
    }
  }
}
