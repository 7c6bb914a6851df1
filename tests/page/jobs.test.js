import assert from "node:assert/strict";
import { test } from "node:test";
import { history, isAfter, reduce, withRecord } from "../../page/lib/jobs.js";

/** @typedef {{ id: string, type: string, data: Record<string, any> }} Told */

/** @param {[string, Record<string, any>?][]} told @returns {Told[]} Each with an id greater than the one before. */
const events = (...told) => told.map(([type, data = {}], n) => ({ id: `1-${n}`, type, data }));

/** @param {number} number */
const epoch = (number, loss_d = 0.5) => ({
  ...{ epoch: number, step: 10 * number, kimg: number, images_per_s: 1, loss_d, loss_g: 2, d_real: 0.7, d_fake: 0.2 },
  scores: null,
});

/** @param {Told[]} told */
const after = (told) => told.reduce(reduce, history());

test("ids compare as numbers, of 64 bits too", () => {
  assert.ok(isAfter("10-0", "9-0"));
  assert.ok(isAfter("9-10", "9-9"));
  assert.ok(isAfter("18446744073709551615-18446744073709551615", "18446744073709551615-18446744073709551614"));
  assert.ok(!isAfter("9-0", "9-0"));
  assert.ok(!isAfter("9", "9-0"));
});

test("a run from its creation to its end", () => {
  const warning = { kind: "stuck", step: 3, detail: "it is", hint: "lr_g" };
  const now = after(events(
    ["queued", { reason: "created" }],
    ["running", { attempt: 1 }],
    ["judging", { epoch: 1, epochs: 3, judge: null }],
    ["judging", { epoch: 3, epochs: 3, judge: "ab" }],
    ["started", { device: "cpu", step: 0 }],
    ["epoch", epoch(1)],
    ["progress", { epoch: 1, epochs: 2 }],
    ["warning", warning],
    ["warning", { ...warning, hint: "lr_d" }],
    ["publishing", { model: "m1" }],
    ["succeeded"],
  ));
  assert.equal(now.status, "succeeded");
  assert.deepEqual([now.attempt, now.device, now.judging, now.sample, now.model], [1, "cpu", null, 1, "m1"]);
  assert.deepEqual(now.progress, { epoch: 1, epochs: 2 });
  assert.deepEqual(now.warnings, [{ ...warning, hint: "lr_d" }]);
  assert.deepEqual(now.epochs[0]?.losses, { loss_d: 0.5, loss_g: 2, d_real: 0.7, d_fake: 0.2 });
});

test("the grid of before training is there from the first step on", () => {
  const started = events(["queued", { reason: "created" }], ["started", { device: "cpu", step: 0 }]);
  assert.equal(after(started).sample, null);
  const goesOn = (/** @type {string} */ type) => reduce(after(started), { id: "99-0", type, data: { step: 1 } }).sample;
  assert.deepEqual([goesOn("progress"), goesOn("started")], [0, 0]);
});

test("an event that was seen changes nothing, by whichever of its ids it comes", () => {
  const told = events(["queued", { reason: "created" }], ["running", { attempt: 1 }], ["paused"]);
  const now = after(told);
  for (const event of told) {
    assert.equal(reduce(now, event), now);
    assert.equal(reduce(now, { ...event, id: "99-0", event: event.id }), now);
  }
});

test("a request stands until it is carried out or taken back", () => {
  const running = events(["running", { attempt: 1 }], ["requested", { request: "pause" }], ["progress", {}]);
  assert.equal(after(running).request, "pause");
  assert.equal(reduce(after(running), { id: "2-0", type: "paused", data: {} }).request, null);
  assert.equal(reduce(after(running), { id: "2-0", type: "requested", data: { request: null } }).request, null);
});

test("an attempt that goes on from a checkpoint does epochs again in their places", () => {
  const now = after(
    events(["epoch", epoch(1, 1)], ["epoch", epoch(2, 1)], ["epoch", epoch(2, 3)], ["epoch", epoch(3)]),
  );
  assert.deepEqual(now.epochs.map(({ epoch, losses }) => [epoch, losses.loss_d]), [[1, 1], [2, 3], [3, 0.5]]);
});

test("ten thousand epochs are thinned evenly, with the first and the newest", () => {
  const now = after(
    events(...Array.from({ length: 10_000 }, (_, n) => /** @type {[string, any]} */ (["epoch", epoch(n + 1)]))),
  );
  const kept = now.epochs.map(({ epoch }) => epoch);
  assert.ok(kept.length <= 1000 && kept.length > 400);
  assert.deepEqual([kept[0], kept.at(-1), now.sample], [1, 10_000, 10_000]);
  assert.ok(kept.slice(1, -1).every((number) => number % now.stride === 0));
});

test("the record says how a job ended", () => {
  const error = { type: "diverged", detail: "not finite", retryable: false, log: "" };
  const now = withRecord(after(events(["failed"])), {
    error,
    attempt: 2,
    device: null,
    model: null,
    publication: null,
  });
  assert.deepEqual([now.status, now.error, now.attempt], ["failed", error, 2]);
});
