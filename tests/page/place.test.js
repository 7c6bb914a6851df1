import assert from "node:assert/strict";
import { test } from "node:test";
import { hash, parse } from "../../page/lib/place.js";

test("a place comes back from its own hash", () => {
  for (const query of [{}, { seed: "3" }, { class: "a,b & c=d?", at: "1.5,2", model: "4f@3", q: "ü#%" }]) {
    assert.deepEqual(parse(hash("job/4f0c", query)), { view: "job/4f0c", query });
  }
});

test("no fragment is the first view", () => {
  assert.deepEqual(parse(""), { view: "draw", query: {} });
  assert.deepEqual(parse("#"), { view: "draw", query: {} });
});

test("defaults stay out of links, and commas are readable", () => {
  assert.equal(hash("draw", { seed: null, n: undefined, at: "1,2", invert: false }), "#draw?at=1,2&invert=false");
});
