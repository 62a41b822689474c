import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { Activity } from "../src/activity";
import { TraceChannel } from "../src/trace";
import { LogLevel, written } from "./vscode";

test("messages are traced when the setting asks for it, whatever the level of logs", () => {
  const trace = new TraceChannel();
  const client = trace.forClient;
  const levels: number[] = [client.logLevel];
  client.onDidChangeLogLevel((level) => levels.push(level));
  trace.set("messages");
  trace.set("verbose");
  trace.set("off");
  assert.deepEqual(levels, [LogLevel.Off, LogLevel.Trace, LogLevel.Trace, LogLevel.Off]);
  written.length = 0;
  client.trace("sent hover");
  client.error("failed");
  trace.show();
  trace.dispose();
  assert.deepEqual(written, ["info sent hover", "error failed", "shown", "disposed"]);
  assert.equal(client.name, "bpf-analyzer trace");
});

test("only work that takes a while is shown", async () => {
  const activity = new Activity();
  const seen: boolean[] = [];
  activity.onDidChange((shown) => seen.push(shown));
  assert.equal(await activity.during(() => 1), 1);
  await assert.rejects(activity.during(() => Promise.reject(new Error("no"))), /no/);
  await sleep(400);
  assert.deepEqual(seen, []);
  await Promise.all([activity.during(() => sleep(400)), activity.during(() => sleep(500))]);
  assert.deepEqual(seen, [true, false]);
  activity.dispose();
});
