import assert from "node:assert/strict";
import { test } from "node:test";
import { cornerOf, gridOf, tileAt } from "../../page/lib/grid.js";

const query = (/** @type {string} */ text) => new URLSearchParams(text);

test("each image of a grid is found at its place, and nothing between them", () => {
  const grid = gridOf(query("n=7&cols=3&pad=2&scale=2"), 3 * 58 - 2, 3 * 58 - 2);
  assert.deepEqual(grid, { n: 7, columns: 3, width: 56, height: 56, pad: 2 });
  for (let k = 0; k < 7; k++) {
    const [x, y] = cornerOf(grid, k);
    assert.equal(tileAt(grid, x, y), k);
    assert.equal(tileAt(grid, x + 55.9, y + 55.9), k);
    assert.equal(tileAt(grid, x + 56, y), null);
    assert.equal(tileAt(grid, x, y + 57), null);
  }
  assert.equal(tileAt(grid, 2 * 58, 2 * 58), null); // the places behind the seventh are empty
  assert.equal(tileAt(grid, -1, 0), null);
  assert.equal(tileAt(grid, 3 * 58, 0), null);
});

test("an image alone is a grid of one", () => {
  const grid = gridOf(query("n=1&start=5&cols=1&pad=0"), 28, 28);
  assert.deepEqual([tileAt(grid, 27.5, 0), tileAt(grid, 28, 0)], [0, null]);
});
