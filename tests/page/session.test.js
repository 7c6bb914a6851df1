import assert from "node:assert/strict";
import { test } from "node:test";
import { allows } from "../../page/lib/session.js";

/** @param {string[] | null} scopes */
const having = (scopes) => ({ keys_required: true, id: "a", name: "a", scopes, expires_at: null });

test("without keys, and before the service has answered, everything is allowed", () => {
  assert.ok(allows(null, "jobs:write"));
  assert.ok(allows({ ...having(null), keys_required: false }, "admin"));
});

test("a key allows its scopes, admin allows all, and no key none", () => {
  assert.ok(allows(having(["jobs:write"]), "jobs:write"));
  assert.ok(allows(having(["admin"]), "models:write"));
  assert.ok(!allows(having(["watch"]), "jobs:write"));
  assert.ok(!allows(having(null), "jobs:write"));
});
