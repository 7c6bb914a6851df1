import assert from "node:assert/strict";
import { test } from "node:test";
import { checkpoint, differences, read, then, times, write } from "../../page/parts/comparison.js";
import { hash, parse } from "../../page/lib/place.js";
import { beside, change, SCORES } from "../../page/parts/scores.js";

test("a comparison comes back from its link", () => {
  const links = [
    "#compare",
    "#compare?a=0011&b=4f0c@12",
    "#compare?a=0011&b=22&c=33@latest&seed=0&n=64&tile=63&mode=swipe&over=c&by=epoch",
  ];
  for (const link of links) {
    const { query } = parse(link);
    assert.equal(hash("compare", write(read(query))), link);
  }
});

test("what is not allowed in a link is its default", () => {
  const odd = { a: "1", b: "2", seed: "-1", n: "17", tile: "16", mode: "spin", over: "d", by: "day" };
  assert.deepEqual(read(odd), read({ a: "1", b: "2" }));
  assert.equal(read({ a: "1", b: "2", over: "a" }).over, 1);
});

test("a missing letter leaves no gap", () => {
  assert.deepEqual(read({ b: "2", d: "4" }).names, ["2", "4"]);
});

test("a checkpoint is named by job and epoch, a model by its id", () => {
  assert.deepEqual(checkpoint("4f0c@12"), { job: "4f0c", epoch: "12" });
  assert.equal(checkpoint("4f0c"), null);
  assert.equal(checkpoint("@1"), null);
});

test("only knobs that differ are told, also those that one recipe lacks", () => {
  assert.deepEqual(differences([{ a: 1, b: null }, { a: 2, b: null, c: 0 }]), [["a", [1, 2]], ["c", [undefined, 0]]]);
  assert.deepEqual(differences([{ a: 1 }, null]), [["a", [1, undefined]]]);
  assert.deepEqual(differences([{ a: 1 }, { a: 1 }]), []);
});

const point = (/** @type {number} */ epoch, /** @type {number} */ kimg) => ({ epoch, kimg, losses: {}, scores: null });
const quick = [point(1, 4), point(2, 8)], slow = [point(1, 1), point(2, 2), point(3, 3)];

test("runs stand where they stood after as many images, or as many epochs", () => {
  assert.deepEqual(times([quick, slow], "kimg"), [1, 2, 3, 4, 8]);
  assert.deepEqual(times([quick, slow], "epoch"), [1, 2, 3]);
  assert.equal(then(slow, "kimg", 8)?.epoch, 3);
  assert.equal(then(quick, "kimg", 2)?.epoch, 1); // before its first
  assert.equal(then(quick, "epoch", 2)?.epoch, 2);
  assert.equal(then([], "epoch", 2), undefined);
});

const scores = { frechet: 20, coverage: 0.9, memorised: 0, judge: "j", floor: { frechet: 10 } };

test("scores are told beside those of real images", () => {
  assert.match(beside(scores, "mnist"), /^2 times as far .* as real digits are/);
  assert.match(beside({ ...scores, frechet: 10.1 }, "icons"), /^As near .* as real images/);
  assert.match(beside({ ...scores, compared_by: "kid", kid: 0.1, floor: { kid: 0.01 } }, "icons"), /^Kernel .* 0.01/);
  assert.equal(beside(null, "icons"), "Not scored.");
});

test("better and worse go the way of the score, and chance is neither", () => {
  /** @param {string} name @param {Record<string, unknown>} one */
  const told = (name, one) => change(SCORES.find((score) => score[0] === name) ?? assert.fail(), one, scores);
  assert.equal(told("frechet", { ...scores, frechet: 10 }), "better");
  assert.equal(told("frechet", { ...scores, frechet: 30 }), "worse");
  assert.equal(told("frechet", { ...scores, frechet: 20.9 }), "about the same");
  assert.equal(told("coverage", { ...scores, coverage: 0.95 }), "better");
  assert.equal(told("coverage", { ...scores, coverage: 0.85 }), "worse");
  assert.equal(told("memorised", { ...scores, memorised: 0.5 }), "worse");
  assert.equal(told("kid", scores), null);
  assert.equal(told("frechet", { ...scores, judge: "other" }), null);
});
