// What must be true of a package before anybody gets it.
import { execFileSync } from "node:child_process";
import { readFileSync, readdirSync, statSync } from "node:fs";
import { basename, join, posix, relative } from "node:path";

import { Complaint, ROOT } from "./host.mjs";
import { isProgramFor } from "./targets.mjs";

const MEGABYTE = 1_000_000;
const LIMIT = 15 * MEGABYTE;

/** Checks a package; what was checked, or a complaint with everything that is wrong. */
export async function verify(file, { platform, manifest, server, stage, parts, ran }) {
  const entries = await readZip(file);
  const passed = [];
  const wrong = [];
  const check = (what, holds, detail = "") => {
    (holds ? passed : wrong).push(detail === "" || holds ? what : `${what} (${detail})`);
  };
  const text = (name) => entries.get(name)?.bytes.toString("utf8") ?? "";
  const names = [...entries.keys()].sort();

  const { version, name, publisher } = manifest;
  const size = statSync(file).size;
  check("the name says platform and version", basename(file) === `${name}-${platform.name}-${version}.vsix`);
  check("smaller than 15 MB", size < LIMIT, `${(size / MEGABYTE).toFixed(1)} MB`);
  const cargo = /\[workspace\.package\][^[]*?\nversion = "([^"]+)"/.exec(readFileSync(join(ROOT, "Cargo.toml"), "utf8"))?.[1];
  check("extension and crates have one version", version === cargo, `${version} and ${cargo}`);

  const vsix = text("extension.vsixmanifest");
  const identity = /<Identity ([^>]*)\/>/.exec(vsix)?.[1] ?? "";
  for (const [key, value] of Object.entries({ Id: name, Version: version, Publisher: publisher, TargetPlatform: platform.name })) {
    check(`the manifest's ${key} is ${value}`, identity.includes(`${key}="${value}"`), identity);
  }

  const staged = readdirSync(stage, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(stage, join(entry.parentPath ?? entry.path, entry.name)));
  // The packager has its own spelling of these names.
  const spelling = { "README.md": "readme.md", "CHANGELOG.md": "changelog.md" };
  const expected = staged.map((path) => `extension/${spelling[path] ?? path}`);
  expected.push("[Content_Types].xml", "extension.vsixmanifest");
  const surplus = names.filter((entry) => !expected.includes(entry));
  const missing = expected.filter((entry) => !names.includes(entry));
  check("nothing more in it than was put in", surplus.length === 0, surplus.join(", "));
  check("nothing less", missing.length === 0, missing.join(", "));
  check("no source maps", !names.some((entry) => entry.endsWith(".map")));
  check("no address of a source map", !text("extension/dist/extension.js").includes("sourceMappingURL"));
  check("no node_modules", !names.some((entry) => entry.includes("node_modules")));
  check("no TypeScript", !names.some((entry) => entry.endsWith(".ts")));

  const program = entries.get(`extension/server/${platform.executable}`);
  check("the server is inside", program?.bytes.equals(readFileSync(server)) === true);
  check("the server is executable", ((program?.mode ?? 0) & 0o777) === 0o755, (program?.mode ?? 0).toString(8));
  check("the server is for the platform", program !== undefined && isProgramFor(program.bytes, platform));
  if (ran) {
    const said = execFileSync(server, ["--version"], { encoding: "utf8" }).trim();
    check("the server says the same version", said === `bpf-analyzer ${version}`, said);
  }

  const licence = text("extension/LICENSE.txt");
  check("the licence is inside", licence.includes("MIT License") && licence.includes("Apache License"));
  check("the changelog is inside", text("extension/changelog.md").includes("# Changelog"));
  const notices = text("extension/THIRD_PARTY_NOTICES.md");
  const unnamed = parts.filter((part) => !notices.includes(`| ${part.name} | ${part.version} |`));
  check(`the notices name all ${parts.length} crates and npm packages`, unnamed.length === 0, unnamed.map((part) => part.name).join(", "));
  for (const part of ["tree-sitter", "tower-lsp", "vscode-languageclient"]) {
    check(`the notices name ${part}`, notices.includes(`| ${part} |`));
  }

  const pictures = [...text("extension/readme.md").matchAll(/!\[[^\]]*\]\(([^)]+)\)/g)].map(([, address]) => address);
  const broken = pictures.filter((address) => !address.startsWith("https://"));
  check("pictures of the page have public addresses", broken.length === 0, broken.join(", "));
  const media = manifest.contributes.walkthroughs.flatMap(({ steps }) => steps.map((step) => step.media.image ?? step.media.markdown));
  const lost = [...media, manifest.icon, posix.normalize(manifest.main)].filter((path) => !entries.has(`extension/${path}`));
  check("everything that is referred to is inside", lost.length === 0, lost.join(", "));

  if (wrong.length > 0) {
    throw new Complaint(`${file} is not as it should be:\n${wrong.map((line) => `  wrong: ${line}`).join("\n")}`);
  }
  return passed;
}

/** The files of an archive with their modes. */
async function readZip(file) {
  // Not at the top: this package may not be installed before.
  const { default: yauzl } = await import("yauzl");
  return new Promise((resolve, reject) => {
    yauzl.open(file, { lazyEntries: true }, (failed, zip) => {
      if (failed) {
        reject(failed);
        return;
      }
      const entries = new Map();
      zip.on("error", reject);
      zip.on("end", () => resolve(entries));
      zip.on("entry", (entry) => {
        zip.openReadStream(entry, (error, stream) => {
          if (error) {
            reject(error);
            return;
          }
          const chunks = [];
          stream.on("data", (chunk) => chunks.push(chunk));
          stream.on("error", reject);
          stream.on("end", () => {
            const mode = (entry.externalFileAttributes >>> 16) & 0o7777;
            entries.set(entry.fileName, { bytes: Buffer.concat(chunks), mode });
            zip.readEntry();
          });
        });
      });
      zip.readEntry();
    });
  });
}
