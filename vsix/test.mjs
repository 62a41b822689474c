#!/usr/bin/env node
// Tests the extension in VS Code: builds the package, installs it in code-server, opens a page of Chromium,
// and uses it as people do.
//
//   node vsix/test.mjs [--server PATH | --vsix FILE] [--screenshots]
//
// --server       a server program that exists already, instead of compiling one; also $BPF_ANALYZER_SERVER
// --vsix         a package that exists already, instead of building one
// --screenshots  renews the pictures of the extension's README
//
// What happened is in target/e2e/vscode: report.json, pictures and logs.
import { copyFileSync, cpSync, mkdirSync, writeFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { parseArgs } from "node:util";

import { buildPackage } from "./build.mjs";
import { Checks } from "./e2e/checks.mjs";
import { chromium, installEditor, packProbe } from "./e2e/editor.mjs";
import { everyday } from "./e2e/everyday.mjs";
import { restricted } from "./e2e/restricted.mjs";
import { Complaint, emptyDirectory, EXTENSION, installPackages, main, modernNode, ROOT, run, say, TARGET, VSIX } from "./lib/host.mjs";

/** The pictures of the README, and the pictures of the test they are made of. */
const PICTURES = ["findings", "quick-fix", "explain", "layouts", "workspace"];

function makeWorkspace(directory) {
  emptyDirectory(directory);
  cpSync(join(VSIX, "workspace"), directory, { recursive: true });
  for (const name of ["leaked_reservation.bpf.c", "small_buffer.bpf.c"]) {
    copyFileSync(join(ROOT, "examples", name), join(directory, name));
  }
  return directory;
}

await main(async () => {
  const options = { server: { type: "string" }, vsix: { type: "string" }, screenshots: { type: "boolean" } };
  const { values } = parseArgs({ options });
  if (process.platform !== "linux") {
    throw new Complaint("this test runs on Linux only");
  }
  chromium();
  const out = join(TARGET, "e2e", "vscode");
  emptyDirectory(out);
  const checks = new Checks();
  const start = Date.now();

  installPackages(EXTENSION);
  installPackages(VSIX);
  const server = values.server ?? process.env.BPF_ANALYZER_SERVER;
  let { vsix } = values;
  if (vsix === undefined) {
    await checks.run("package", "the package is built and complete", async () => {
      vsix = await buildPackage(server === undefined ? {} : { server });
    });
  }
  await checks.run("package", "types, lints and unit tests of the extension pass", () => {
    const npmRun = (...args) => run(modernNode(), args, { cwd: EXTENSION });
    npmRun("node_modules/typescript/bin/tsc", "--noEmit");
    npmRun("node_modules/eslint/bin/eslint.js", ".");
    npmRun("build.mjs", "--tests");
    run("sh", ["-c", '"$0" --test out/*.test.js', modernNode()], { cwd: EXTENSION });
  });
  if (vsix !== undefined) {
    installEditor();
    const shots = join(out, "pictures");
    const extensions = [resolve(vsix), packProbe(out)];
    const session = (name) => ({ home: join(out, name), extensions, shots, makeWorkspace });
    await everyday(checks, session("everyday"));
    await restricted(checks, session("restricted"));
    if (values.screenshots === true && checks.failed === 0) {
      mkdirSync(join(EXTENSION, "images"), { recursive: true });
      PICTURES.forEach((name) => copyFileSync(join(shots, `${name}.png`), join(EXTENSION, "images", `${name}.png`)));
    }
  }

  const seconds = (Date.now() - start) / 1000;
  writeFileSync(join(out, "report.json"), `${JSON.stringify({ seconds, checks: checks.results }, null, 2)}\n`);
  const passed = checks.results.length - checks.failed;
  say(`VS Code: ${passed} passed, ${checks.failed} failed, in ${seconds.toFixed(0)} s; see ${relative(ROOT, out)}`);
  if (checks.failed > 0) {
    throw new Complaint("the extension does not work as it should");
  }
});
