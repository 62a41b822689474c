// Bundles the extension into dist/extension.js, or with --tests its unit tests into out/.
// With --meta FILE esbuild's list of what went into the bundle is written.
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
  loader: { ".c": "text", ".css": "text", ".webview.js": "text" },
  logLevel: "warning",
};

if (tests) {
  const entryPoints = readdirSync(join(root, "test")).filter((name) => name.endsWith(".test.ts")).map((name) => join("test", name));
  const alias = { vscode: "./test/vscode.ts" };
  await build({ ...common, entryPoints, outdir: "out", alias });
} else {
  const result = await build({
    ...common,
    entryPoints: ["src/extension.ts"],
    outfile: "dist/extension.js",
    external: ["vscode"],
    minify: true,
    metafile: true,
  });
  if (meta > 0) {
    writeFileSync(process.argv[meta + 1], JSON.stringify(result.metafile));
  }
}
