import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { NEEDS_RESTART, read } from "../src/settings";

interface Property {
  default?: unknown;
  description?: string;
  markdownDescription?: string;
  scope?: string;
  type?: string;
  enum?: string[];
  enumDescriptions?: string[];
}

interface Manifest {
  contributes: {
    configuration: { properties: Record<string, Property> }[];
    commands: { command: string }[];
    walkthroughs: { steps: { description: string }[] }[];
  };
  capabilities: { untrustedWorkspaces: { restrictedConfigurations: string[] } };
}

const root = join(__dirname, "..");
const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as Manifest;
const properties = Object.assign({}, ...manifest.contributes.configuration.map((part) => part.properties)) as Record<
  string,
  Property
>;

function from(values: Record<string, unknown>): (name: string) => unknown {
  return (name) => values[name];
}

test("without settings everything has its default, and nothing is sent that the file decides", () => {
  const { settings, complaints } = read(from({}));
  assert.deepEqual(complaints, []);
  assert.deepEqual(settings, {
    enable: true,
    run: "onType",
    checkScope: "openFiles",
    server: { path: "", extraArgs: [], extraEnv: {} },
    trace: "off",
    forServer: {
      inlayHints: { programTypes: true, slices: true },
      codeLens: { enable: true },
      verify: { onSave: true, btf: "" },
    },
  });
});

test("the defaults of the manifest are those of the code, and every setting is read", () => {
  const asked = new Set<string>();
  const byDefault = read((name) => {
    asked.add(`bpf-analyzer.${name}`);
    return properties[`bpf-analyzer.${name}`]?.default;
  });
  assert.deepEqual(byDefault, read(from({})));
  assert.deepEqual([...asked].sort(), Object.keys(properties).sort());
});

test("the server is asked with the names of the configuration file", () => {
  const schemaPath = join(root, "../../docs/bpf-analyzer.schema.json");
  const schema = JSON.parse(readFileSync(schemaPath, "utf8")) as { properties: Record<string, unknown> };
  const values: Record<string, unknown> = {
    kernel: "6.12",
    select: ["ALL"],
    ignore: ["a"],
    severity: { a: "off" },
    perFileIgnores: { "x/**": ["a"] },
    include: ["*.h"],
    exclude: ["vendor"],
    headerPaths: ["inc"],
    compileCommands: "c.json",
    baseline: "known.json",
    clang: "clang-19",
  };
  const { settings, complaints } = read(from(values));
  assert.deepEqual(complaints, []);
  const { inlayHints, codeLens, ...forFile } = settings.forServer;
  assert.deepEqual(forFile, { ...values, verify: { onSave: true, btf: "" } });
  assert.ok(inlayHints !== undefined && codeLens !== undefined);
  const kebab = (name: string): string => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  // Tests and their packets are a matter of the file.
  const inEditors = Object.keys(schema.properties).filter((name) => name !== "packets" && name !== "tests");
  assert.deepEqual(Object.keys(forFile).map(kebab).sort(), inEditors.sort());
});

test("values of a wrong kind are named and not used", () => {
  for (const [name, value, complaint] of [
    ["enable", "yes", 'bpf-analyzer.enable must be true or false, not "yes".'],
    ["run", "always", 'bpf-analyzer.run must be "onType" or "onSave", not "always".'],
    ["checkScope", 3, 'bpf-analyzer.checkScope must be "openFiles" or "workspace", not 3.'],
    ["kernel", "6", 'bpf-analyzer.kernel must be a kernel version such as "6.12", not "6".'],
    ["select", "ALL", 'bpf-analyzer.select must be a list of texts, not "ALL".'],
    ["ignore", [1], "bpf-analyzer.ignore must be a list of texts, not [1]."],
    [
      "severity",
      { a: "fatal" },
      'bpf-analyzer.severity must be an object of error, warning, info, off, not {"a":"fatal"}.',
    ],
    ["perFileIgnores", [], "bpf-analyzer.perFileIgnores must be an object of lists of texts, not []."],
    ["server.path", false, "bpf-analyzer.server.path must be a path, not false."],
    ["server.extraArgs", "-v", 'bpf-analyzer.server.extraArgs must be a list of texts, not "-v".'],
    ["server.extraEnv", { A: 1 }, 'bpf-analyzer.server.extraEnv must be an object of texts, not {"A":1}.'],
    ["trace.server", "all", 'bpf-analyzer.trace.server must be "off", "messages" or "verbose", not "all".'],
    ["codeLens.enable", 0, "bpf-analyzer.codeLens.enable must be true or false, not 0."],
    ["verify.onSave", "no", 'bpf-analyzer.verify.onSave must be true or false, not "no".'],
  ] as const) {
    const { settings, complaints } = read(from({ [name]: value }));
    assert.deepEqual(complaints, [complaint]);
    assert.deepEqual(settings, read(from({})).settings, name);
  }
});

test("null means that nothing is set", () => {
  assert.deepEqual(read(() => null), read(from({})));
});

function saysWhatIsRun(name: string): boolean {
  return name.startsWith("bpf-analyzer.server.") || name === "bpf-analyzer.clang";
}

test("every setting is described, and only the machine says what is run", () => {
  for (const [name, property] of Object.entries(properties)) {
    const description = property.markdownDescription ?? property.description ?? "";
    assert.ok(description.endsWith(".") || description.endsWith("*."), `${name}: ${description}`);
    assert.equal(property.enum?.length, property.enumDescriptions?.length, name);
    const runs = saysWhatIsRun(name);
    assert.equal(property.scope, runs ? "machine" : "window", name);
  }
  const restricted = manifest.capabilities.untrustedWorkspaces.restrictedConfigurations;
  assert.deepEqual([...restricted].sort(), Object.keys(properties).filter(saysWhatIsRun).sort());
  for (const name of NEEDS_RESTART) {
    const full = `bpf-analyzer.${name}`;
    assert.ok(Object.keys(properties).some((key) => key === full || key.startsWith(`${full}.`)), name);
  }
});

test("commands that are linked to exist", () => {
  const known = new Set(manifest.contributes.commands.map(({ command }) => command));
  const steps = manifest.contributes.walkthroughs.flatMap(({ steps }) => steps);
  const linked = steps.flatMap(({ description }) => [...description.matchAll(/\(command:([^)]+)\)/g)]);
  assert.equal(linked.length, steps.length, "each step can be done with a click");
  for (const [, command] of linked) {
    assert.ok(known.has(command ?? ""), command);
  }
});
