// Which server program is started. Pure: what the machine is like comes in, and programs are tried by a
// function that is passed in.
import * as path from "node:path";

/** Why a program is considered. */
export type Origin = "setting" | "bundled" | "path";

/** A place where the server may be. */
export interface Candidate {
  readonly path: string;
  readonly origin: Origin;
}

/** A server that answered. */
export interface Server extends Candidate {
  readonly version: string;
}

/** What trying a program gave. */
export type Probe =
  | { readonly kind: "works"; readonly version: string }
  | { readonly kind: "missing" }
  | { readonly kind: "broken"; readonly reason: string };

/** What the search depends on. */
export interface Machine {
  /** The setting `bpf-analyzer.server.path`. */
  readonly setting: string;
  /** The directory of the extension. */
  readonly extension: string;
  readonly home: string;
  /** `PATH`. */
  readonly searchPath: string;
  readonly platform: NodeJS.Platform;
}

/** Why there is no server. */
export interface Failure {
  /** One sentence for a notification. */
  readonly message: string;
  /** A line for each place that was tried. */
  readonly details: readonly string[];
}

export type Located = { readonly server: Server } | { readonly failure: Failure };

/** The places to try, the strongest first. A setting excludes all others: what it names is meant. */
export function candidates(machine: Machine): Candidate[] {
  const wanted = machine.setting.trim();
  const native = paths(machine);
  if (wanted !== "") {
    const expanded = /^~(?=$|[/\\])/.test(wanted) ? machine.home + wanted.slice(1) : wanted;
    if (native.isAbsolute(expanded)) {
      return [{ path: expanded, origin: "setting" }];
    }
    if (/[/\\]/.test(expanded)) {
      // Relative to what? Certainly not to a folder that somebody else may have written.
      return [];
    }
    return searched(machine, expanded).map((found) => ({ path: found, origin: "setting" }));
  }
  const bundled = native.join(machine.extension, "server", executable(machine, "bpf-analyzer"));
  const inPath = searched(machine, "bpf-analyzer");
  return [
    { path: bundled, origin: "bundled" },
    ...inPath.map((found): Candidate => ({ path: found, origin: "path" })),
  ];
}

/** Takes the first program that works. */
export async function locate(
  machine: Machine,
  probe: (program: string) => Promise<Probe>,
): Promise<Located> {
  const details: string[] = [];
  let broken: string | undefined;
  for (const candidate of candidates(machine)) {
    const result = await probe(candidate.path);
    if (result.kind === "works") {
      return { server: { ...candidate, version: result.version } };
    }
    const reason = result.kind === "missing" ? "does not exist" : result.reason;
    details.push(`${candidate.path} (${originName(candidate.origin)}): ${reason}`);
    if (result.kind === "broken") {
      broken ??= `${candidate.path}: ${reason}`;
    }
  }
  return { failure: { message: explain(machine, broken), details } };
}

function explain(machine: Machine, broken: string | undefined): string {
  const wanted = machine.setting.trim();
  if (broken !== undefined) {
    return `The server cannot be started. ${broken}`;
  }
  if (wanted === "") {
    return (
      "The server was not found: this package of the extension has none for this platform, and there is " +
      "no bpf-analyzer in PATH."
    );
  }
  const isName = !/[/\\]/.test(wanted);
  if (isName) {
    return `The server was not found: there is no ${wanted} in PATH (setting bpf-analyzer.server.path).`;
  }
  if (!paths(machine).isAbsolute(wanted) && !wanted.startsWith("~")) {
    return `The setting bpf-analyzer.server.path must be an absolute path or a name, not ${wanted}.`;
  }
  return `The server was not found: ${wanted} does not exist (setting bpf-analyzer.server.path).`;
}

/** Where a candidate comes from, in words. */
export function originName(origin: Origin): string {
  switch (origin) {
    case "setting":
      return "from the settings";
    case "bundled":
      return "part of the extension";
    case "path":
      return "found in PATH";
  }
}

/** What `bpf-analyzer --version` printed, or undefined if that was something else. */
export function readVersion(output: string): string | undefined {
  return /^bpf-analyzer (\d+\.\d+\.\d+\S*)\s*$/.exec(output)?.[1];
}

function paths(machine: Machine): path.PlatformPath {
  return machine.platform === "win32" ? path.win32 : path.posix;
}

function executable(machine: Machine, name: string): string {
  return machine.platform === "win32" && !name.toLowerCase().endsWith(".exe") ? `${name}.exe` : name;
}

/** Relative entries of `PATH` mean the folder that is open; nothing is run from there. */
function searched(machine: Machine, name: string): string[] {
  const native = paths(machine);
  const directories = machine.searchPath.split(native.delimiter).filter((entry) => native.isAbsolute(entry));
  return [...new Set(directories)].map((entry) => native.join(entry, executable(machine, name)));
}
