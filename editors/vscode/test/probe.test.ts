import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { output, probe, reasonOf } from "../src/probe";

function program(text: string, mode = 0o755): string {
  const directory = mkdtempSync(join(tmpdir(), "probe-"));
  const path = join(directory, "program");
  writeFileSync(path, text);
  chmodSync(path, mode);
  process.on("exit", () => {
    rmSync(directory, { recursive: true, force: true });
  });
  return path;
}

test("a program is tried by asking for its version", async () => {
  const server = program("#!/bin/sh\n[ \"$1\" = --version ] && echo bpf-analyzer 9.8.7\n");
  assert.deepEqual(await probe(server), { kind: "works", version: "9.8.7" });
  assert.deepEqual(await probe("/no/such/program"), { kind: "missing" });
});

test("programs that do not work say why", async () => {
  const reason = async (path: string): Promise<string> => {
    const result = await probe(path);
    assert.equal(result.kind, "broken");
    return "reason" in result ? result.reason : "";
  };
  assert.match(await reason(program("#!/bin/sh\necho hello\n")), /is not bpf-analyzer/);
  assert.match(await reason(program("#!/bin/sh\necho no glibc >&2; exit 3\n")), /code 3: no glibc/);
  assert.match(await reason(program("#!/bin/sh\nexit 0\n", 0o644)), /is not executable/);
  assert.match(await reason(program("#!/no/such/interpreter\n")), /interpreter or a library is missing/);
  assert.match(await reason(program("#!/bin/sh\nkill -SEGV $$\n")), /was ended by SIGSEGV/);
  assert.match(await reason(program("\x7fELF nothing of this machine")), /is made for another platform/);
});

test("a program without an answer is named so", () => {
  assert.equal(reasonOf({ killed: true, signal: "SIGTERM", code: null }, ""), "does not answer");
});

test("output of the server, or its reason to fail", async () => {
  const server = program("#!/bin/sh\n[ \"$1\" = rules ] && { echo \"$2\"; exit; }\necho unknown >&2; exit 2\n");
  assert.equal(await output(server, ["rules", "--format"]), "--format\n");
  await assert.rejects(output(server, ["explain"]), /fails with code 2: unknown/);
});

test("a missing library is named", () => {
  const said = "./server: error while loading shared libraries: libx.so.1: cannot open shared object file";
  assert.equal(reasonOf({ code: 127 }, said), `fails with code 127: ${said}`);
});
