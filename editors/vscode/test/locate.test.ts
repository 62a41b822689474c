import assert from "node:assert/strict";
import { test } from "node:test";

import { candidates, locate, readVersion, type Machine, type Probe } from "../src/locate";

const MACHINE: Machine = {
  setting: "",
  extension: "/ext",
  home: "/home/me",
  searchPath: "/usr/bin:./node_modules/.bin::bin:/opt/b:/usr/bin",
  platform: "linux",
};

function withPrograms(programs: Record<string, Probe>): (program: string) => Promise<Probe> {
  return (program) => Promise.resolve(programs[program] ?? { kind: "missing" });
}

const works: Probe = { kind: "works", version: "0.1.0" };

function places(machine: Partial<Machine>): string[] {
  return candidates({ ...MACHINE, ...machine }).map(({ path, origin }) => `${origin} ${path}`);
}

test("the bundled server comes before PATH, and relative entries of PATH are left out", () => {
  assert.deepEqual(places({}), [
    "bundled /ext/server/bpf-analyzer",
    "path /usr/bin/bpf-analyzer",
    "path /opt/b/bpf-analyzer",
  ]);
});

test("a setting excludes all other places", () => {
  for (const [setting, expected] of [
    ["/x/server", ["setting /x/server"]],
    ["~/bin/server", ["setting /home/me/bin/server"]],
    [" my-server ", ["setting /usr/bin/my-server", "setting /opt/b/my-server"]],
    ["./tools/server", []],
    ["tools/server", []],
  ] as const) {
    assert.deepEqual(places({ setting }), expected, setting);
  }
});

test("programs of Windows end in .exe", () => {
  const windows: Partial<Machine> = {
    platform: "win32",
    extension: "C:\\ext",
    searchPath: "C:\\bin;bin;.",
  };
  assert.deepEqual(places(windows), [
    "bundled C:\\ext\\server\\bpf-analyzer.exe",
    "path C:\\bin\\bpf-analyzer.exe",
  ]);
  assert.deepEqual(places({ ...windows, setting: "D:\\s.exe" }), ["setting D:\\s.exe"]);
});

test("the first program that works is taken", async () => {
  const broken: Probe = { kind: "broken", reason: "is made for another platform" };
  const programs = { "/ext/server/bpf-analyzer": broken, "/opt/b/bpf-analyzer": works };
  assert.deepEqual(await locate(MACHINE, withPrograms(programs)), {
    server: { path: "/opt/b/bpf-analyzer", origin: "path", version: "0.1.0" },
  });
});

test("what is wrong is said", async () => {
  const message = async (setting: string, programs: Record<string, Probe>): Promise<string> => {
    const located = await locate({ ...MACHINE, setting }, withPrograms(programs));
    assert.ok("failure" in located);
    return located.failure.message;
  };
  assert.match(await message("", {}), /none for this platform, and there is no bpf-analyzer in PATH/);
  assert.match(await message("/x", {}), /\/x does not exist \(setting bpf-analyzer\.server\.path\)/);
  assert.match(await message("~/x", {}), /~\/x does not exist/);
  assert.match(await message("x", {}), /there is no x in PATH/);
  assert.match(await message("a/x", {}), /must be an absolute path or a name, not a\/x/);
  const broken: Probe = { kind: "broken", reason: "is not executable" };
  assert.match(await message("/x", { "/x": broken }), /cannot be started. \/x: is not executable/);
  assert.match(await message("", { "/usr/bin/bpf-analyzer": broken }), /\/usr\/bin\/bpf-analyzer: is not/);
});

test("each place that was tried is listed", async () => {
  const located = await locate(MACHINE, withPrograms({}));
  assert.ok("failure" in located);
  assert.deepEqual(located.failure.details, [
    "/ext/server/bpf-analyzer (part of the extension): does not exist",
    "/usr/bin/bpf-analyzer (found in PATH): does not exist",
    "/opt/b/bpf-analyzer (found in PATH): does not exist",
  ]);
});

test("only the server's own words are a version", () => {
  assert.equal(readVersion("bpf-analyzer 0.1.0\n"), "0.1.0");
  assert.equal(readVersion("bpf-analyzer 1.2.3-rc.1\n"), "1.2.3-rc.1");
  for (const other of ["", "clang version 19", "bpf-analyzer", "bpf-analyzer 1.0.0\nmore"]) {
    assert.equal(readVersion(other), undefined, other);
  }
});
