// A folder that is not trusted: findings are shown, and nothing of the folder is run.
import assert from "node:assert/strict";
import { chmodSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { openEditor } from "./editor.mjs";
import { choose, replaceAll, select } from "./gestures.mjs";
import { plantCompiler } from "./quickChecks.mjs";
import { PATIENCE, Window } from "./window.mjs";

/** Makes a folder whose settings name a server of its own; the file that this server would leave behind. */
export function plantServer(folder) {
  const trace = join(folder, "it-was-run");
  mkdirSync(join(folder, ".vscode"), { recursive: true });
  const program = join(folder, ".vscode", "server");
  writeFileSync(program, `#!/bin/sh\ntouch '${trace}'\nexec true\n`);
  chmodSync(program, 0o755);
  const settings = {
    "bpf-analyzer.server.path": program,
    "bpf-analyzer.server.extraArgs": ["--evil"],
    "bpf-analyzer.server.extraEnv": { LD_PRELOAD: program },
  };
  writeFileSync(join(folder, ".vscode", "settings.json"), JSON.stringify(settings));
  return trace;
}

const PART = "restricted mode";

/** Runs the checks in Restricted Mode. */
export async function restricted(checks, session) {
  const folder = session.makeWorkspace(join(session.home, "..", "restricted-workspace"));
  const trace = plantServer(folder);
  let editor;
  await checks.run(PART, "VS Code opens a folder in Restricted Mode", async () => {
    editor = await openEditor({ ...session, folder, file: "vlan_retag.bpf.c", trusted: false });
    assert.equal(await editor.ask((vscode) => vscode.workspace.isTrusted), false);
    await editor.page.waitForSelector(".statusbar-item:has-text('Restricted Mode')", { timeout: 20_000 });
  });
  if (editor === undefined) {
    return;
  }
  const window = new Window(editor, folder);
  const check = (name, work) => checks.run(PART, name, work, editor.shot);
  await check("findings are shown in Restricted Mode", async () => {
    await editor.page.waitForSelector(".monaco-editor .squiggly-error", { timeout: PATIENCE });
    const { server } = await window.reaches("ready");
    assert.equal(server.origin, "bundled");
    await editor.shot("restricted-mode");
  });
  await check("nothing of an untrusted folder is run", async () => {
    await window.run("bpf-analyzer.restartServer");
    await window.reaches("ready");
    await window.finds("vlan_retag.bpf.c", ["missing-write-back"]);
    assert.equal(existsSync(trace), false, "the server named by the folder was run");
  });
  await check("programs of an untrusted folder are not compiled", async () => {
    const { program, trace } = plantCompiler(folder);
    const file = "vlan_retag.bpf.c";
    await window.set("clang", program);
    await window.open(file);
    await select(window, file, "vlan->h_vlan_TCI");
    await choose(window, "bpf-analyzer: Verify Program at Cursor");
    await window.shows(".notifications-toasts", "compiled, verified and run in trusted folders only");
    await window.shows(".notifications-toasts", "Manage Workspace Trust");
    await editor.shot("restricted-verify");
    await window.clear();
    // Saving verifies in folders that are trusted. What comes after it has been worked off when the server has answered.
    await replaceAll(window, file, `${await window.text(file)}\n`);
    await window.run("workbench.action.files.save");
    await replaceAll(window, file, "int nothing;\n");
    await window.finds(file, []);
    await window.run("workbench.action.files.revert");
    await window.finds(file, ["missing-write-back"]);
    assert.equal(existsSync(trace), false, "a compiler was run");
  });
  await editor.close();
}
