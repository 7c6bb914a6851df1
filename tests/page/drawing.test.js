import assert from "node:assert/strict";
import { test } from "node:test";
import { across, change, count, onPlane, read, request, single, split, write } from "../../page/lib/drawing.js";
import { hash, parse } from "../../page/lib/place.js";

/** @param {string} fragment */
const again = (fragment) => hash("draw", write(read(parse(fragment).query)));

test("each link comes back as it was", () => {
  for (
    const link of [
      "#draw",
      "#draw?seed=3&n=64",
      "#draw?at=1.5,2.001&nudge=0%3A-2.5%2C3%3A1&model=4f0c@12".replaceAll("%2C", ","),
      "#draw?interpolate=3,9&class=shirt&n=4&start=7",
      "#draw?truncation=0&dataset=icons&scale=4&tile=0&invert=true",
    ]
  ) assert.equal(again(link), link);
});

test("what cannot be read is left to the service to refuse, until something is changed", () => {
  for (
    const [name, text] of Object.entries({
      seed: "abc",
      n: "1e999",
      start: " ",
      truncation: "x",
      at: "1500,2",
      interpolate: "3",
      nudge: "0:1,2",
      scale: "99",
    })
  ) {
    const drawing = read({ [name]: text });
    assert.equal(request(drawing)[name], text);
    assert.equal(write(drawing)[name], text);
    assert.notEqual(request(change(drawing, {}))[name], text);
  }
  assert.equal(request(read({ at: "here" })).seed, null);
});

test("the canonical URL of a picture is a link", () => {
  const { query } = parse("#draw?n=16&seed=3&start=0&digit=07&cols=8&pad=2&scale=1&format=png&model=78af");
  assert.deepEqual(request(read(query)), {
    ...request(read({})),
    seed: 3,
    class: "0,7",
    cols: 8,
    pad: "2",
    model: "78af",
    n: 16,
  });
});

test("names of classes may hold commas and backslashes", () => {
  const drawing = { ...read({}), classes: ["a,b", "c\\d", "e"] };
  assert.deepEqual(read(/** @type {Record<string, string>} */ (write(drawing))).classes, drawing.classes);
  assert.deepEqual(split("a\\,b,c"), ["a,b", "c"]);
});

test("an image alone has the number that it has in the picture", () => {
  const query = single(read({ seed: "3", start: "5", n: "16", cols: "2", tile: "4" }), 4);
  assert.deepEqual([query.n, query.start, query.seed, "cols" in query], [1, 9, 3, false]);
});

test("several classes are whole rows, as far as the window is wide enough", () => {
  const drawing = read({ class: "0,1,2,3,4,5,6,7,8,9" });
  assert.equal(count(drawing), 40);
  assert.equal(across(drawing, 256), 10);
  assert.equal(across(drawing, 6), 6);
  assert.equal(across(read({ n: "3" }), 256), 2);
});

test("a point stays on the plane, with three decimals", () => {
  assert.deepEqual(onPlane([-0.0001, 1.23456]), [0, 1.235]);
  assert.deepEqual(onPlane([1000, -3]), [999, 0]);
  assert.equal(Object.is(onPlane([-0.0001, 0])[0], 0), true);
});

test("a walk has no more images than the service draws", () => {
  for (const n of [1, 16, 64, 256]) {
    const { frames } = request(read({ interpolate: "3,9", n: String(n) }));
    assert.ok(Number(frames) * n <= 1024 && Number(frames) >= 2);
  }
  assert.equal(request(read({ frames: "24" })).frames, null);
});

test("no amounts of zero in a nudge", () => {
  assert.equal(write(read({ nudge: "0:0,1:0.004,2:-1" })).nudge, "2:-1");
});
