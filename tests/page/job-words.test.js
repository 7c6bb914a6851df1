import assert from "node:assert/strict";
import { test } from "node:test";
import { advice, duration, progressLine, share, statusWord } from "../../page/parts/job-words.js";
import { stageOf } from "../../page/parts/job-actions.js";

const RECIPE = {
  lr_d: 8e-4,
  lr_g: 8e-4,
  d_steps: 1,
  dropout: 0,
  batch_size: 64,
  d_norm: "none",
  classes: 3,
  g_filters: 1,
};

test("a hint becomes knobs with other values, those that cannot turn left out", () => {
  assert.deepEqual(advice("lower lr_d or d_steps, or raise dropout or lr_g, so that G can follow", RECIPE), [
    ["lr_d", 4e-4],
    ["dropout", 0.3],
    ["lr_g", 1.6e-3],
  ]);
  assert.deepEqual(advice("lower lr_g, raise batch_size, or set d_norm to batch", RECIPE), [
    ["lr_g", 4e-4],
    ["batch_size", 128],
    ["d_norm", "batch"],
  ]);
  assert.deepEqual(advice("set classes to the number of labels, or lower lr_g", RECIPE), [["lr_g", 4e-4]]);
  assert.deepEqual(advice("set classes to 4", RECIPE), [["classes", 4]]);
  assert.deepEqual(advice("look at the closest pairs; a smaller g_filters may help", RECIPE), []);
});

test("a status is a word, and what was asked of it", () => {
  assert.deepEqual(statusWord({ status: "running" }), ["Trains", ""]);
  assert.deepEqual(statusWord({ status: "running", kind: "import" }), ["Reads images", ""]);
  assert.deepEqual(statusWord({ status: "running", request: "pause" }), ["Pauses soon", "warn"]);
  assert.deepEqual(statusWord({ status: "failed" }), ["Failed", "bad"]);
});

test("how far a job is", () => {
  assert.equal(share(null), null);
  assert.equal(share({ step: 5, total_steps: 10 }), 0.5);
  assert.equal(share({ phase: "reading", done: 1, total: null }), null);
  const training = { epoch: 2, epochs: 3, images_per_s: 99.6, eta_s: 120, step: 1, total_steps: 2 };
  assert.equal(progressLine(training), "epoch 2 of 3, 100 images/s, 2 min left");
  assert.equal(progressLine({ phase: "reading", done: 4, total: 9, problems: 2 }), "reading: 4 of 9, 2 problems");
  assert.equal(progressLine(null), "starting");
});

test("durations are short", () => {
  assert.deepEqual([duration(0.2), duration(75), duration(600), duration(9000), duration(null)], [
    "1 s",
    "75 s",
    "10 min",
    "2.5 h",
    "",
  ]);
});

test("the buttons of a job stay when it is claimed, so that a question is not lost", () => {
  assert.equal(stageOf({ status: "queued", request: null }), stageOf({ status: "running", request: null }));
  assert.equal(stageOf({ status: "running", request: "pause" }), stageOf({ status: "paused", request: null }));
  assert.notEqual(stageOf({ status: "running", request: null }), stageOf({ status: "failed", request: null }));
});
