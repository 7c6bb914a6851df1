import assert from "node:assert/strict";
import { test } from "node:test";
import { logTicks, short, ticks, valueAt } from "../../page/parts/curves.js";
import { epochOf, spread } from "../../page/parts/time.js";

test("ticks are round, within the axis, and few", () => {
  assert.deepEqual(ticks(0, 1), [0, 0.2, 0.4, 0.6, 0.8, 1]);
  assert.deepEqual(ticks(0, 40, 4), [0, 10, 20, 30, 40]);
  for (const [low, high] of [[0, 0.037], [-3, 7], [0, 1e6], [5, 5]]) {
    const found = ticks(Number(low), Number(high));
    assert.ok(found.length >= 1 && found.length <= 7, `${low} to ${high}: ${found}`);
    assert.ok(found.every((one) => one >= Number(low) && one <= Number(high)));
  }
});

test("a logarithmic axis has decades, and more where these are few", () => {
  assert.deepEqual(logTicks(1, 1000), [1, 10, 100, 1000]);
  assert.deepEqual(logTicks(1.5, 30), [2, 5, 10, 20]);
  assert.deepEqual(logTicks(1400, 1560), [1400, 1500]);
});

test("the value at the cursor is that of the last point before it", () => {
  /** @type {import("../../page/parts/curves.js").Series} */
  const series = { name: "", colour: 1, points: [[1, 5], [2, null], [4, 7]] };
  assert.equal(valueAt(series, 0), null);
  assert.equal(valueAt(series, 3), 5);
  assert.equal(valueAt(series, Infinity), 7);
});

test("numbers are short, and a missing one is a dash", () => {
  assert.deepEqual([short(12345), short(0.012345), short(null), short(undefined)], ["12300", "0.0123", "–", "–"]);
});

test("an epoch of a URL is one that there is, else the newest", () => {
  assert.deepEqual([epochOf("3", 9), epochOf("12", 9), epochOf(undefined, 9), epochOf("-1", 9)], [3, 9, 9, 9]);
});

test("some epochs of many have both ends among them, and stay while more come", () => {
  assert.deepEqual(spread(3, 10), [0, 1, 2, 3]);
  assert.deepEqual(spread(0, 5), [0]);
  assert.deepEqual(spread(100, 5), [0, 32, 64, 96, 100]);
  assert.deepEqual(spread(96, 6), [0, 32, 64, 96]);
  for (let newest = 1; newest < 500; newest++) {
    const [before, now] = [spread(newest - 1, 24), spread(newest, 24)];
    assert.ok(now.length <= 24 && now[0] === 0 && now.at(-1) === newest);
    assert.ok(now.filter((epoch) => !before.includes(epoch)).length === 1);
  }
});
