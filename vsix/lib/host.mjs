// This machine: where things are, and how programs are run.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The root of the repository. */
export const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
export const VSIX = join(ROOT, "vsix");
export const EXTENSION = join(ROOT, "editors", "vscode");
export const TARGET = process.env.CARGO_TARGET_DIR ?? join(ROOT, "target");

/** Something that somebody can put right; shown without a stack. */
export class Complaint extends Error {}

/** The path of a program, searched in PATH; undefined if there is none. */
export function which(...names) {
  const directories = [...(process.env.PATH ?? "").split(delimiter), join(homedir(), ".cargo", "bin")];
  for (const name of names) {
    const found = directories.map((directory) => join(directory, name)).find((path) => existsSync(path));
    if (found !== undefined) {
      return found;
    }
  }
  return undefined;
}

/** Runs a program to its end; its output, or a complaint with it if it fails. */
export function run(program, args, options = {}) {
  const result = spawnSync(program, args, { encoding: "utf8", maxBuffer: 1 << 28, ...options });
  if (result.error !== undefined) {
    throw new Complaint(`${program} cannot be run: ${result.error.message}`);
  }
  if (result.status !== 0) {
    const said = `${result.stdout ?? ""}${result.stderr ?? ""}`.trim();
    const how = result.status === null ? `was ended by ${result.signal}` : `failed with code ${result.status}`;
    throw new Complaint(`${program} ${args.join(" ")} ${how}${said === "" ? "" : `:\n${said}`}`);
  }
  return result.stdout;
}

/** Says what is being done. */
export function say(text) {
  process.stdout.write(`${text}\n`);
}

/**
 * Installs the locked npm packages of a directory unless they are there. Install scripts do not run: nothing
 * here needs them.
 */
export function installPackages(directory) {
  const stamp = join(directory, "node_modules", ".installed");
  const lock = createHash("sha256").update(readFileSync(join(directory, "package-lock.json"))).digest("hex");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === lock) {
    return;
  }
  const npm = which("npm");
  if (npm === undefined) {
    throw new Complaint("npm is missing; on Debian: apt-get install nodejs npm");
  }
  say(`installing the npm packages of ${directory}`);
  run(npm, ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], { cwd: directory });
  writeFileSync(stamp, lock);
}

/** An empty directory. */
export function emptyDirectory(path) {
  rmSync(path, { recursive: true, force: true });
  mkdirSync(path, { recursive: true });
  return path;
}

/** The node that the packages of `vsix` are made for. The one that runs this may be older. */
export function modernNode() {
  const packaged = join(VSIX, "node_modules", `node-${process.platform}-${process.arch}`, "bin", "node");
  if (existsSync(packaged)) {
    return packaged;
  }
  if (Number(process.versions.node.split(".")[0]) >= 20) {
    return process.execPath;
  }
  throw new Complaint(`node ${process.versions.node} is too old: 20 or newer is needed`);
}

/** Runs the main function of a program and ends with its verdict. */
export async function main(work) {
  try {
    await work();
  } catch (error) {
    process.stderr.write(`error: ${error instanceof Complaint ? error.message : (error.stack ?? error)}\n`);
    process.exitCode = 1;
  }
}
