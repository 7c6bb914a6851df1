/**
 * A zip archive made in the browser, so that a dropped folder arrives as one file. Nothing is compressed: pictures are
 * compressed already. The format is APPNOTE.TXT 6.3.10 of PKWARE, without its 64-bit extensions.
 */

export const MOST_FILES = 65534;
const UTF8 = 0x800; // flag: names are UTF-8
const DAY = 0x21; // 1 January 1980, so that equal files make equal archives

const TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  for (let bit = 0; bit < 8; bit++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1;
  return n;
});

/**
 * @param {{ path: string, file: Blob }[]} files At most MOST_FILES, under 4 GiB together.
 * @returns {Promise<Blob>} The archive; it refers to the files and holds no copy of them.
 */
export async function zip(files) {
  /** @type {BlobPart[]} */
  const body = [];
  /** @type {BlobPart[]} */
  const directory = [];
  let offset = 0;
  let length = 0;
  for (const { path, file } of files) {
    const name = new TextEncoder().encode(path);
    const common = [[20, 2], [UTF8, 2], [0, 2], [0, 2], [DAY, 2], [await crc32(file), 4], [file.size, 4], [
      file.size,
      4,
    ]];
    common.push([name.length, 2], [0, 2]);
    const head = numbers([[0x04034b50, 4], ...common]);
    const entry = numbers([[0x02014b50, 4], [20, 2], ...common, [0, 2], [0, 2], [0, 2], [0, 4], [offset, 4]]);
    body.push(head, name, file);
    directory.push(entry, name);
    offset += head.length + name.length + file.size;
    length += entry.length + name.length;
  }
  const counts = [[0, 2], [0, 2], [files.length, 2], [files.length, 2]];
  return new Blob([...body, ...directory, numbers([[0x06054b50, 4], ...counts, [length, 4], [offset, 4], [0, 2]])]);
}

/** @param {number[][]} fields A value and its bytes each, little-endian. */
function numbers(fields) {
  return Uint8Array.from(
    fields.flatMap(([value = 0, bytes = 0]) => Array.from({ length: bytes }, (_, k) => value >>> (8 * k))),
  );
}

/** @param {Blob} file */
async function crc32(file) {
  let crc = ~0;
  for (const byte of new Uint8Array(await file.arrayBuffer())) crc = (TABLE[(crc ^ byte) & 255] ?? 0) ^ (crc >>> 8);
  return ~crc >>> 0;
}
