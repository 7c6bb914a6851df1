/** Where the images of a picture of `/generate` lie in it. Pure functions. */

/**
 * @typedef {Object} Grid In pixels of the picture.
 * @property {number} n
 * @property {number} columns
 * @property {number} width Of an image.
 * @property {number} height
 * @property {number} pad Between images.
 */

/**
 * @param {URLSearchParams} query The canonical one of the picture.
 * @param {number} width Of the picture.
 * @param {number} height
 * @returns {Grid}
 */
export function gridOf(query, width, height) {
  const n = Number(query.get("n") ?? 16);
  const columns = Number(query.get("cols") ?? Math.ceil(Math.sqrt(n)));
  const pad = Number(query.get("pad") ?? 2);
  const rows = Math.ceil(n / columns);
  return { n, columns, width: (width + pad) / columns - pad, height: (height + pad) / rows - pad, pad };
}

/**
 * @param {Grid} grid
 * @param {number} x
 * @param {number} y
 * @returns {number | null} Which image is there, from 0; null beside them.
 */
export function tileAt({ n, columns, width, height, pad }, x, y) {
  const [column, row] = [Math.floor(x / (width + pad)), Math.floor(y / (height + pad))];
  const tile = row * columns + column;
  const isInside = x >= 0 && y >= 0 && x % (width + pad) < width && y % (height + pad) < height;
  return isInside && column < columns && tile < n ? tile : null;
}

/** @param {Grid} grid @param {number} tile @returns {[number, number]} Its left upper corner. */
export function cornerOf({ columns, width, height, pad }, tile) {
  return [tile % columns * (width + pad), Math.floor(tile / columns) * (height + pad)];
}
