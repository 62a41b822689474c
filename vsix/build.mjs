#!/usr/bin/env node
// Builds target/vsix/bpf-analyzer-<target>-<version>.vsix with the release binary of the server inside, and
// verifies it.
//
//   node vsix/build.mjs [--target linux-x64] [--server PATH]
//
// --target  a platform of VS Code; the default is that of this machine. Others need a Rust target and linker.
// --server  a server program that exists already, instead of building one.
import { chmodSync, copyFileSync, cpSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { basename, join, relative, resolve } from "node:path";
import { parseArgs } from "node:util";

import { Complaint, emptyDirectory, EXTENSION, installPackages, main, modernNode, ROOT, run, say, TARGET, VSIX } from "./lib/host.mjs";
import { bundledPackages, linkedCrates, notices } from "./lib/notices.mjs";
import { cargoTool, hostTarget, target } from "./lib/targets.mjs";
import { verify } from "./lib/verify.mjs";

/** Builds and verifies the package; its path. */
export async function buildPackage(options) {
  const host = hostTarget();
  const platform = options.target === undefined ? host : target(options.target);
  const manifest = JSON.parse(readFileSync(join(EXTENSION, "package.json"), "utf8"));
  const server = options.server === undefined ? buildServer(platform) : resolve(options.server);
  if (statSync(server, { throwIfNoEntry: false })?.isFile() !== true) {
    throw new Complaint(`${server} is no program`);
  }
  installPackages(EXTENSION);
  installPackages(VSIX);
  const stage = emptyDirectory(join(TARGET, "vsix", `stage-${platform.name}`));
  const parts = stageFiles(stage, manifest, platform, server);
  const file = join(TARGET, "vsix", `bpf-analyzer-${platform.name}-${manifest.version}.vsix`);
  const vsce = join(VSIX, "node_modules", "@vscode", "vsce", "vsce");
  const args = ["package", "--no-dependencies", "--skip-license"];
  args.push("--allow-missing-repository", "--target", platform.name, "--out", file);
  run(modernNode(), [vsce, ...args], { cwd: stage });
  const ran = platform.name === host.name;
  const checked = await verify(file, { platform, manifest, server, stage, parts, ran });
  checked.forEach((line) => say(`  ok: ${line}`));
  const megabytes = (statSync(file).size / 1e6).toFixed(1);
  say(`${relative(ROOT, file)}: ${megabytes} MB, ${checked.length} checks passed`);
  return file;
}

/** Compiles the server as it is shipped everywhere, so that it is compiled once. */
function buildServer(platform) {
  say(`compiling the server for ${platform.triple}`);
  const args = ["xtask", "dist", "--only", "program", "--target", platform.triple];
  return run(cargoTool("cargo"), args, { cwd: ROOT, stdio: ["ignore", "pipe", "inherit"] }).trim();
}

/** Puts together what the package contains, nothing else; the parts that others wrote. */
function stageFiles(stage, manifest, platform, server) {
  const { scripts, devDependencies, dependencies, private: hidden, ...shipped } = manifest;
  writeFileSync(join(stage, "package.json"), `${JSON.stringify(shipped, null, 2)}\n`);
  const metafile = join(TARGET, "vsix", "bundle.json");
  run(process.execPath, [join(EXTENSION, "build.mjs"), "--meta", metafile]);
  mkdirSync(join(stage, "dist"));
  copyFileSync(join(EXTENSION, "dist", "extension.js"), join(stage, "dist", "extension.js"));
  mkdirSync(join(stage, "server"));
  copyFileSync(server, join(stage, "server", platform.executable));
  chmodSync(join(stage, "server", platform.executable), 0o755);
  for (const name of ["images", "walkthrough"]) {
    cpSync(join(EXTENSION, name), join(stage, name), { recursive: true });
  }
  writeFileSync(join(stage, "README.md"), page(readFileSync(join(EXTENSION, "README.md"), "utf8"), shipped));
  copyFileSync(join(ROOT, "CHANGELOG.md"), join(stage, "CHANGELOG.md"));
  writeFileSync(join(stage, "LICENSE.txt"), licence());
  const crates = linkedCrates(platform.triple);
  const packages = bundledPackages(JSON.parse(readFileSync(metafile, "utf8")));
  const parts = [...crates, ...packages];
  writeFileSync(join(stage, "THIRD_PARTY_NOTICES.md"), notices(parts));
  return parts;
}

/**
 * The page of the extension. VS Code shows pictures there only if they have a public address, which the packager
 * makes of that of the repository; without one they are left to the tour.
 */
function page(text, { repository }) {
  return repository === undefined ? text.replace(/^!\[[^\]]*\]\([^)]*\)\n\n/gm, "") : text;
}

function licence() {
  const texts = ["LICENSE-MIT", "LICENSE-APACHE"].map((name) => readFileSync(join(ROOT, name), "utf8").trim());
  const intro = "bpf-analyzer is licensed under the MIT licence or the Apache licence 2.0, at your option.\n";
  return `${intro}The parts that others wrote are named in THIRD_PARTY_NOTICES.md.\n\n${texts.join("\n\n\n")}\n`;
}

if (basename(process.argv[1] ?? "") === "build.mjs") {
  const options = { target: { type: "string" }, server: { type: "string" } };
  await main(() => buildPackage(parseArgs({ options }).values));
}
