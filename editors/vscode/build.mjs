// Bundles the extension into dist/extension.js, or with --tests its unit tests into out/.
// Prints the packages that went into the bundle with --meta FILE (as esbuild's metafile).
import { readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = dirname(fileURLToPath(import.meta.url));
const tests = process.argv.includes("--tests");
const meta = process.argv.indexOf("--meta");

const common = {
  absWorkingDir: root,
  bundle: true,
  platform: "node",
  format: "cjs",
  target: "node20",
  legalComments: "none",
  logLevel: "warning",
};

if (tests) {
  const entryPoints = readdirSync(join(root, "test")).map((name) => join("test", name));
  await build({ ...common, entryPoints, outdir: "out", external: ["vscode"] });
} else {
  const result = await build({
    ...common,
    entryPoints: ["src/extension.ts"],
    outfile: "dist/extension.js",
    external: ["vscode"],
    minify: true,
    metafile: true,
    loader: { ".c": "text" },
  });
  if (meta > 0) {
    writeFileSync(process.argv[meta + 1], JSON.stringify(result.metafile));
  }
}
