// The licences of everything in the package that others wrote: crates linked into the server, and npm packages
// bundled into the extension.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { Complaint, EXTENSION, ROOT, run } from "./host.mjs";
import { cargoTool } from "./targets.mjs";

/** Licences that anybody may ship under, as in deny.toml and for npm packages. */
const ALLOWED = new Set([
  "0BSD",
  "Apache-2.0",
  "Apache-2.0 WITH LLVM-exception",
  "BlueOak-1.0.0",
  "BSD-2-Clause",
  "BSD-3-Clause",
  "ISC",
  "MIT",
  "MIT-0",
  "Unicode-3.0",
  "Unlicense",
  "Zlib",
]);

/** Whether an SPDX expression leaves a choice that is allowed. */
export function isAllowed(expression) {
  const either = expression.replaceAll("/", " OR ").replace(/[()]/g, " ");
  // With the brackets gone, AND binds too weakly only where a choice stands inside of it: then all must do.
  const bracketed = /\([^)]*\bOR\b[^)]*\)/.test(expression) && /\bAND\b/.test(expression);
  const words = (text, separator) => text.split(separator).map((word) => word.trim());
  if (bracketed) {
    return words(either, /\bOR\b|\bAND\b/).every((word) => ALLOWED.has(word));
  }
  return words(either, /\bOR\b/).some((choice) => words(choice, /\bAND\b/).every((word) => ALLOWED.has(word)));
}

/** The crates that end in the server's binary for a platform. */
export function linkedCrates(triple) {
  const args = ["metadata", "--format-version", "1", "--locked", "--filter-platform", triple];
  const metadata = JSON.parse(run(cargoTool("cargo"), args, { cwd: ROOT }));
  const packages = new Map(metadata.packages.map((entry) => [entry.id, entry]));
  const nodes = new Map(metadata.resolve.nodes.map((node) => [node.id, node]));
  const isMacro = (entry) => entry.targets.some((target) => target.kind.includes("proc-macro"));
  const [start] = metadata.packages.filter((entry) => entry.name === "bpf-analyzer" && entry.source === null);
  const seen = new Set();
  const waiting = [start.id];
  while (waiting.length > 0) {
    const id = waiting.pop();
    if (seen.has(id) || isMacro(packages.get(id))) {
      continue;
    }
    seen.add(id);
    const normal = nodes.get(id).deps.filter((dep) => dep.dep_kinds.some(({ kind }) => kind === null));
    waiting.push(...normal.map((dep) => dep.pkg));
  }
  const foreign = [...seen].map((id) => packages.get(id)).filter((entry) => entry.source !== null);
  return foreign.map((entry) => ({
    name: entry.name,
    version: entry.version,
    licence: entry.license ?? "",
    home: entry.repository ?? `https://crates.io/crates/${entry.name}`,
    directory: dirname(entry.manifest_path),
  }));
}

/** The npm packages that ended in the bundle, from esbuild's metafile. */
export function bundledPackages(metafile) {
  const inputs = Object.keys(metafile.inputs).filter((input) => input.includes("node_modules/"));
  const directories = inputs.map((input) => /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(input)[1]);
  return [...new Set(directories)].map((relative) => {
    const directory = join(EXTENSION, relative);
    const manifest = JSON.parse(readFileSync(join(directory, "package.json"), "utf8"));
    const home = manifest.repository?.url ?? manifest.repository ?? manifest.homepage ?? "";
    const { name, version, license } = manifest;
    return { name, version, licence: license ?? "", home: String(home).replace(/^git\+/, ""), directory };
  });
}

/** The notices as Markdown. Identical texts are printed once. */
export function notices(parts) {
  const wrong = parts.filter(({ licence }) => !isAllowed(licence));
  if (wrong.length > 0) {
    const list = wrong.map(({ name, version, licence }) => `${name} ${version}: ${licence || "none"}`);
    throw new Complaint(`licences that are not allowed:\n${list.join("\n")}`);
  }
  const sorted = [...parts, STANDARD_LIBRARY].sort((a, b) => a.name.localeCompare(b.name));
  const table = sorted.map(({ name, version, licence, home }) => `| ${name} | ${version} | ${licence} | ${home} |`);
  const holders = new Map();
  for (const part of sorted) {
    for (const text of texts(part)) {
      const key = text.replace(/\s+/g, " ").trim();
      const known = holders.get(key) ?? { text: text.trim(), names: [] };
      known.names.push(`${part.name} ${part.version}`.trim());
      holders.set(key, known);
    }
  }
  const sections = [...holders.values()].map(
    ({ text, names }) => `## ${names.join(", ")}\n\n${"```text"}\n${text}\n${"```"}\n`,
  );
  return `# Third-party notices

This package contains the program \`bpf-analyzer\`, and the extension for VS Code also a bundled script. They include
the work of others, which is used under these licences.

| what | version | licence | source |
|---|---|---|---|
${table.join("\n")}

${sections.join("\n")}`;
}

const STANDARD_LIBRARY = {
  name: "The Rust standard library",
  version: "",
  licence: "MIT OR Apache-2.0",
  home: "https://github.com/rust-lang/rust",
  directory: undefined,
};

/** The licence texts of a part. Where an author gave none, the standard text of the licence stands for it. */
function texts({ directory, licence, name }) {
  if (directory !== undefined && existsSync(directory)) {
    const names = readdirSync(directory).filter((file) =>
      /^(licen[cs]e|copying|copyright|notice|unlicense|thirdpartynotices)/i.test(file),
    );
    const files = names.filter((file) => !/\.(html|json|js|ts|toml)$/i.test(file)).sort();
    const read = files.map((file) => readIfFile(join(directory, file))).filter((text) => text.trim() !== "");
    if (read.length > 0) {
      return read;
    }
  }
  if (/\bApache-2\.0\b/.test(licence)) {
    return [readFileSync(join(ROOT, "LICENSE-APACHE"), "utf8")];
  }
  if (/\bMIT\b/.test(licence)) {
    const own = readFileSync(join(ROOT, "LICENSE-MIT"), "utf8");
    return [own.replace(/^Copyright.*$/m, `Copyright (c) the authors of ${name}`)];
  }
  throw new Complaint(`${name} (${licence}) has no licence text`);
}

function readIfFile(path) {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
