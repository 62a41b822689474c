import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import type { Report, Subject } from "../src/report";
import { Reports } from "../src/reports";
import { FakePanel, panels, serializers, ViewColumn, window, workspace, written } from "./vscode";

const URI = "file:///w/a.bpf.c";
const ARGS = [{ uri: URI, program: "mark" }];

/** A server that answers with these, one after the other, and what it was asked. */
function serverWith(...answers: unknown[]): { reports: Reports; asked: unknown[] } {
  const asked: unknown[] = [];
  const answer = (question: unknown): Promise<unknown> => {
    asked.push(question);
    const next = answers.shift();
    return next instanceof Error ? Promise.reject(next) : Promise.resolve(next);
  };
  const reports = new Reports({
    execute: (title, command, args) => answer([title, command, args]),
    last: (subject) => answer(subject),
  });
  return { reports, asked };
}

function report(kind: Subject["kind"], version = 1): Report {
  const text = `${kind} of version ${version}`;
  const html = `<section>${text}</section>`;
  return { uri: URI, program: "mark", kind, version, title: "T", summary: "S", text, html };
}

/** What the page says of its report, once its script runs. */
async function banner(panel: FakePanel | undefined): Promise<unknown> {
  panel?.says({ type: "ready" });
  await Promise.resolve();
  return panel?.sent.at(-1);
}

const counts = { type: "state", outdated: "" };
const changed = { type: "state", outdated: "The text, or a setting, has changed since this was found." };

beforeEach(() => {
  panels.length = 0;
  serializers.length = 0;
  written.length = 0;
  workspace.isTrusted = true;
  workspace.textDocuments = [{ uri: URI, version: 1 }];
});

test("all reports come into one page", async () => {
  const { reports, asked } = serverWith(report("verify"), report("layouts"));
  assert.equal((await reports.execute("verify", ARGS))?.text, "verify of version 1");
  await reports.execute("layouts", ARGS);
  assert.deepEqual(asked, [
    ["Verifying mark", "bpf-analyzer.verify", ARGS],
    ["Running on all packet layouts mark", "bpf-analyzer.layouts", ARGS],
  ]);
  assert.equal(panels.length, 1);
  assert.equal(panels[0]?.title, "Run on all packet layouts: mark");
  assert.ok(panels[0].webview.html.includes("<section>layouts of version 1</section>"));
  assert.deepEqual(panels[0].sent, [{ revealed: undefined }]);
  assert.deepEqual(await banner(panels[0]), counts);
});

test("the page is not shown over the program", async () => {
  const { reports } = serverWith(report("verify"), report("run"));
  await reports.execute("verify", ARGS);
  window.activeTextEditor = { viewColumn: 2 };
  await reports.execute("run", ARGS);
  window.activeTextEditor = undefined;
  assert.deepEqual(panels[0]?.sent, [{ revealed: ViewColumn.Beside }]);
});

test("what was cancelled, or is no report, shows nothing", async () => {
  const { reports } = serverWith(null, undefined, { text: "half" });
  for (const args of [ARGS, ARGS, ARGS, []]) {
    assert.equal(await reports.execute("run", args), undefined);
  }
  assert.equal(panels.length, 0);
  assert.equal(reports.showLast(), false);
});

test("a report on an earlier text is marked at once, and later when the text changes", async () => {
  const { reports } = serverWith(report("run", 0), report("run"));
  await reports.execute("run", ARGS);
  assert.deepEqual(await banner(panels[0]), changed);
  await reports.execute("run", ARGS);
  assert.deepEqual(await banner(panels[0]), counts);
  reports.stale("file:///w/other.bpf.c");
  reports.stale(undefined);
  assert.deepEqual(await banner(panels[0]), counts);
  reports.stale("file:///w/%61.bpf.c");
  assert.deepEqual(await banner(panels[0]), changed);
});

test("a page that is out of date follows the next result", async () => {
  const { reports, asked } = serverWith(report("verify"), null, new Error("ended"), report("verify", 2));
  await reports.execute("verify", ARGS);
  const uri = URI as unknown as Parameters<Reports["refresh"]>[0];
  await reports.refresh(uri);
  assert.equal(asked.length, 1, "nothing is asked while the report counts");
  workspace.textDocuments = [{ uri: URI, version: 2 }];
  reports.stale(URI);
  await reports.refresh(uri);
  await reports.refresh(uri);
  assert.deepEqual(await banner(panels[0]), changed);
  await reports.refresh(uri);
  assert.ok(panels[0]?.webview.html.includes("verify of version 2"));
  assert.deepEqual(await banner(panels[0]), counts);
});

test("the page can ask again, and comes back when it was closed", async () => {
  const { reports, asked } = serverWith(report("run"), report("run"));
  await reports.execute("run", ARGS);
  reports.serverEnded();
  assert.deepEqual(await banner(panels[0]), { type: "state", outdated: "The server that found this has ended." });
  panels[0]?.says({ type: "again" });
  assert.deepEqual(asked[1], ["Running mark", "bpf-analyzer.run", ARGS]);
  await new Promise(setImmediate);
  panels[0]?.dispose();
  assert.ok(reports.showLast());
  assert.equal(panels.length, 2);
  assert.ok(panels[1]?.webview.html.includes("run of version 1"));
  reports.dispose();
  assert.ok(panels[1]?.disposed);
});

test("a page of the session before is filled or offers to do it again", async () => {
  const known = serverWith(report("verify"));
  const state = { uri: URI, program: "mark", kind: "verify", scroll: 3 };
  const first = new FakePanel();
  await serializers[0]?.deserializeWebviewPanel(first, state);
  assert.deepEqual(known.asked, [{ uri: URI, program: "mark", kind: "verify" }]);
  assert.ok(first.webview.html.includes("verify of version 1"));
  assert.deepEqual(await banner(first), counts);
  const second = new FakePanel();
  await serializers[0]?.deserializeWebviewPanel(second, state);
  assert.ok(second.disposed && !first.disposed, "there is one page");

  serverWith(null);
  const unknown = new FakePanel();
  await serializers[1]?.deserializeWebviewPanel(unknown, state);
  assert.deepEqual(await banner(unknown), { type: "state", outdated: "There is no result for the text as it is now." });
  assert.match(unknown.webview.html, /Verify again/);
  const strange = new FakePanel();
  await serializers[1]?.deserializeWebviewPanel(strange, { uri: 3 });
  assert.ok(strange.disposed);
});

test("nothing is compiled in a folder that is not trusted", async () => {
  workspace.isTrusted = false;
  const { reports, asked } = serverWith(report("verify"));
  assert.equal(await reports.execute("verify", ARGS), undefined);
  assert.deepEqual(asked, []);
  assert.deepEqual(written, ["warning bpf-analyzer: programs are compiled, verified and run in trusted folders only."]);
});
