// Runs a program to see whether it is the server.
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";

import { readVersion, type Probe } from "./locate";

const TIME_LIMIT_MS = 10_000;

/** Asks a program for its version. */
export function probe(program: string): Promise<Probe> {
  if (!existsSync(program)) {
    return Promise.resolve({ kind: "missing" });
  }
  const options = { timeout: TIME_LIMIT_MS, windowsHide: true };
  return new Promise((resolve) => {
    execFile(program, ["--version"], options, (error, stdout, stderr) => {
      if (error !== null) {
        resolve({ kind: "broken", reason: reasonOf(error, stderr) });
        return;
      }
      const version = readVersion(stdout);
      resolve(
        version === undefined
          ? { kind: "broken", reason: "is not bpf-analyzer: --version says something else" }
          : { kind: "works", version },
      );
    });
  });
}

/** Says in words what kept a program from running. */
export function reasonOf(
  error: { code?: string | number | null; killed?: boolean; signal?: NodeJS.Signals | null | undefined },
  stderr: string,
): string {
  // What the system cannot load it hands to the shell, which does not understand it either.
  if (/: (not found|permission denied|syntax error)/i.test(stderr)) {
    return "is made for another platform";
  }
  const said = stderr.trim().split("\n")[0] ?? "";
  switch (error.code) {
    case "EACCES":
      return "is not executable";
    case "ENOEXEC":
      return "is made for another platform";
    case "ENOENT":
      return "cannot be run: its interpreter or a library is missing";
    case undefined:
    case null:
    default:
      break;
  }
  if (error.killed === true) {
    return "does not answer";
  }
  if (typeof error.signal === "string") {
    return `was ended by ${error.signal}`;
  }
  const failed = typeof error.code === "number" ? `fails with code ${error.code}` : "cannot be run";
  return said === "" ? failed : `${failed}: ${said}`;
}

/** Runs the server program for its output. */
export function output(program: string, args: readonly string[]): Promise<string> {
  const options = { timeout: TIME_LIMIT_MS, windowsHide: true, maxBuffer: 16 * 1024 * 1024 };
  return new Promise((resolve, reject) => {
    execFile(program, args, options, (error, stdout, stderr) => {
      if (error === null) {
        resolve(stdout);
      } else {
        reject(new Error(`${program} ${reasonOf(error, stderr)}`));
      }
    });
  });
}
