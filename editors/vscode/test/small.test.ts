import assert from "node:assert/strict";
import { test } from "node:test";

import { ordered, pagePath, readRules, ruleOf } from "../src/links";
import { CrashLimit } from "../src/restarts";
import { present } from "../src/status";

test("a server that crashes now and then is started again, one that crashes often is not", () => {
  let now = 0;
  const limit = new CrashLimit(2, 1000, () => now);
  const crashAt = (time: number): boolean => {
    now = time;
    return limit.mayRestart();
  };
  assert.deepEqual([0, 600, 1200, 1800].map(crashAt), [true, true, true, true]);
  assert.deepEqual([1900, 1901].map(crashAt), [false, false]);
  limit.reset();
  assert.equal(crashAt(1902), true);
});

test("the status item shows each state", () => {
  const server = { path: "/s", origin: "bundled", version: "1.0.0" } as const;
  const seen = [
    present({ kind: "disabled" }, false),
    present({ kind: "starting" }, false),
    present({ kind: "ready", server }, false),
    present({ kind: "ready", server }, true),
    present({ kind: "stopped" }, false),
    present({ kind: "failed", message: "It is gone." }, true),
  ];
  assert.equal(new Set(seen.map(({ text }) => text)).size, seen.length - 1, "starting looks like working");
  assert.deepEqual(
    seen.map(({ failed }) => failed),
    [false, false, false, false, false, true],
  );
  assert.deepEqual(seen[2]?.tooltip, ["**bpf-analyzer**", "Ready.", "Server 1.0.0, part of the extension:", "`/s`"]);
  assert.ok(seen[5]?.tooltip.includes("It is gone."));
});

test("the address of a page gives its rule back", () => {
  assert.equal(ruleOf(pagePath("stale-slice")), "stale-slice");
  for (const path of ["/rules/../x.md", "/rules/a b.md", "/rules/--help.md/x", "/x.md", ""]) {
    assert.equal(ruleOf(path), undefined, path);
  }
});

test("rules are read, and those of the place come first", () => {
  const rule = (name: string): object => ({ name, group: "g", severity: "error", summary: "s" });
  const json = JSON.stringify({ version: 1, rules: [rule("c"), rule("a"), { name: 3 }, null, rule("b")] });
  const names = ordered(readRules(json), new Set(["c"])).map(({ name }) => name);
  assert.deepEqual(names, ["c", "a", "b"]);
  for (const other of ["null", "{}", '{"rules":{}}']) {
    assert.deepEqual(readRules(other), []);
  }
});
