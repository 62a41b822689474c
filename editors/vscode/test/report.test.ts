import assert from "node:assert/strict";
import { test } from "node:test";

import { commandOf, isReport, isSubject, kindOf, KINDS, programAt, subjectOf } from "../src/report";
import { fromPage, page, tabTitle } from "../src/reportPage";

const subject = { uri: "file:///w/a.bpf.c", program: "mark", kind: "layouts" } as const;
const report = {
  ...subject,
  version: 3,
  title: "Layouts: <mark>",
  summary: "1 divergence",
  text: "1 divergence",
  html: '<section><h2>Where</h2><a href="#L12" data-line="12">a.bpf.c:12</a></section>',
};

test("the server's commands are kinds of checks, and no others are", () => {
  assert.deepEqual(KINDS.map(commandOf).map(kindOf), [...KINDS]);
  for (const other of ["bpf-analyzer.fixAll", "bpf-analyzer.verifyAtCursor", "verify", ""]) {
    assert.equal(kindOf(other), undefined, other);
  }
  const { uri, program } = subject;
  assert.deepEqual(subjectOf("layouts", [{ uri, program }]), subject);
  for (const args of [[], [null], [{ uri }], [uri, program], [{ uri, program: 3 }]]) {
    assert.equal(subjectOf("run", args), undefined, JSON.stringify(args));
  }
});

test("an answer is a report if it has all parts", () => {
  assert.ok(isReport(report) && isSubject(report));
  assert.ok(isReport({ ...report, version: null }));
  for (const [key, wrong] of Object.entries({ ...report, version: "3", kind: "fly", html: undefined, program: 1 })) {
    if (report[key as keyof typeof report] !== wrong) {
      assert.equal(isReport({ ...report, [key]: wrong }), false, key);
    }
  }
  for (const other of [null, undefined, 3, "report", [], {}]) {
    assert.equal(isReport(other) || isSubject(other), false, JSON.stringify(other));
  }
});

test("the program of a line is the one around it, or the only one", () => {
  const first = { name: "first", first: 3, last: 9 };
  const second = { name: "second", first: 12, last: 20 };
  const at = (line: number): string | undefined => programAt([first, second], line)?.name;
  assert.deepEqual([3, 9, 10, 12, 25].map(at), ["first", "first", undefined, "second", undefined]);
  assert.equal(programAt([first], 30), first);
  assert.equal(programAt([], 3), undefined);
});

test("a page allows its own script and style and nothing else", () => {
  const text = page({ subject, report }, "0123abcd");
  const policy = /http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(text)?.[1];
  assert.equal(
    policy,
    "default-src 'none'; style-src 'nonce-0123abcd'; script-src 'nonce-0123abcd'; base-uri 'none'; form-action 'none'",
  );
  const nonces = [...text.matchAll(/<(script|style)([^>]*)>/g)].map(([, tag, rest]) => [tag, rest]);
  assert.deepEqual(nonces, [["style", ' nonce="0123abcd"'], ["script", ' nonce="0123abcd"']]);
  assert.doesNotMatch(text, /(src|href)="(?!#)/);
});

test("a page has a language, one heading of the first level, and the server's section", () => {
  const text = page({ subject, report }, "n");
  assert.match(text, /^<!DOCTYPE html>\n<html lang="en">/);
  assert.deepEqual(text.match(/<h1>.*<\/h1>/g), ["<h1>a.bpf.c</h1>"]);
  assert.ok(text.includes(report.html));
  assert.ok(text.includes("<title>Layouts: &lt;mark&gt;</title>"));
  assert.match(text, /<p role="status"><\/p>/);
  assert.equal(text.match(/<section>/g)?.length, 1);
});

test("names do not become markup", () => {
  const evil = { ...subject, program: '"><script>alert(1)</script>' };
  const text = page({ subject: evil, report: undefined }, "n");
  assert.doesNotMatch(text, /<script>alert/);
  const state = /data-state="([^"]*)"/.exec(text)?.[1] ?? "";
  const read = state.replaceAll("&quot;", '"').replaceAll("&lt;", "<").replaceAll("&gt;", ">");
  assert.deepEqual(JSON.parse(read), evil);
  assert.match(text, /<button type="button">Run layouts again<\/button>/);
});

test("what a page sends is looked at", () => {
  assert.deepEqual(fromPage({ type: "line", line: 12 }), { type: "line", line: 12 });
  assert.deepEqual(fromPage({ type: "again" }), { type: "again" });
  for (const other of [null, 3, {}, { type: "line" }, { type: "line", line: 0 }, { type: "line", line: NaN }, { type: "x" }]) {
    assert.equal(fromPage(other), undefined, JSON.stringify(other));
  }
  assert.equal(tabTitle({ ...subject, kind: "verify" }), "Verify: mark");
});
