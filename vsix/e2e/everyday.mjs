// A day with the extension, in one window: from the first squiggle to a server that crashes.
import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { openEditor } from "./editor.mjs";
import { frameWith, palette, previewOf, replaceAll, select } from "./gestures.mjs";
import { until } from "./link.mjs";
import { quickChecks } from "./quickChecks.mjs";
import { plantServer } from "./restricted.mjs";
import { PATIENCE, Window } from "./window.mjs";

const MAIN = "vlan_retag.bpf.c";
const LOST = "missing-write-back";

/** Runs all checks in a trusted folder. */
export async function everyday(checks, session) {
  const folder = session.makeWorkspace(join(session.home, "..", "workspace"));
  const planted = plantServer(folder);
  let editor;
  await checks.run("findings", "VS Code opens with the package installed", async () => {
    editor = await openEditor({ ...session, folder, file: MAIN, trusted: true });
  });
  if (editor === undefined) {
    return;
  }
  const window = new Window(editor, folder);
  const part = (part) => (name, work) => checks.run(part, name, () => work(window, editor), editor.shot);
  try {
    await firstLook(part("findings"), folder, planted);
    await mending(part("fixes"), folder);
    await settings(part("settings"));
    await workspace(part("workspace"));
    await quickChecks(part("quick checks"));
    await trouble(part("trouble"));
    await part("trouble")("VS Code asked nobody outside", () => assert.deepEqual([...editor.outside], []));
  } finally {
    const server = await window.processId().catch(() => undefined);
    await editor.close();
    await checks.run("trouble", "no server is left behind", () =>
      until("the end of the server", () => !existsSync(`/proc/${server ?? "none"}`), PATIENCE),
    );
  }
}

async function firstLook(check, folder, planted) {
  await check("the bundled server is started", async (window) => {
    const { server } = await window.reaches("ready");
    assert.equal(server.origin, "bundled");
    assert.match(server.path, /extensions\/bpf-analyzer\.bpf-analyzer-[^/]*\/server\/bpf-analyzer$/);
  });
  await check("settings of a workspace cannot name a server", () => {
    assert.equal(existsSync(planted), false, "the server named by the workspace was run");
  });
  await check("all commands of the manifest exist", async (window) => {
    const missing = await window.ask(async (vscode) => {
      const known = new Set(await vscode.commands.getCommands(true));
      const { packageJSON } = vscode.extensions.getExtension("bpf-analyzer.bpf-analyzer");
      return packageJSON.contributes.commands.map(({ command }) => command).filter((name) => !known.has(name));
    });
    assert.deepEqual(missing, []);
  });
  await check("a finding is underlined", async (window) => {
    const [finding] = await window.finds(MAIN, [LOST]);
    assert.equal(finding.severity, "Error");
    assert.equal(finding.source, "bpf-analyzer");
    assert.match(finding.message, /`vlan` may point to `vlan_buf`\nhelp: /);
    await window.page.waitForSelector(".monaco-editor .squiggly-error", { timeout: PATIENCE });
  });
  await check("the status item says that all is well", async (window) => {
    await window.shows(".statusbar-item", /^\s*BPF\s*$/);
    const label = await window.page.locator(".statusbar-item[aria-label*='bpf-analyzer']").first().getAttribute("aria-label");
    assert.match(label, /Ready\. Server \d+\.\d+\.\d+, part of the extension/);
  });
  await check("Problems lists it with related information", async (window) => {
    const [finding] = await window.findings(MAIN);
    assert.deepEqual(finding.related.map(({ line }) => line), [19, 19, 24]);
    await window.run("workbench.actions.view.problems");
    const row = await window.shows(".markers-panel .monaco-list-row", "are lost when the packet is not contiguous");
    assert.match(await row.innerText(), /missing-write-back/);
    const twistie = row.locator(".monaco-tl-twistie");
    if ((await row.getAttribute("aria-expanded")) === "false") {
      await twistie.click();
    }
    await window.shows(".markers-panel .monaco-list-row", "the slice is made here");
    await window.shows(".markers-panel .monaco-list-row", "the packet goes on from here without them");
  });
  await check("lenses and hints are shown", async (window) => {
    await window.page.locator(".view-line", { hasText: "GUEST_VLAN 100" }).first().click();
    await window.shows(".codelens-decoration a", "1 error");
    const hints = await window.ask(async (vscode, path) => {
      const all = new vscode.Range(0, 0, 999, 0);
      const found = await vscode.commands.executeCommand("vscode.executeInlayHintProvider", vscode.Uri.file(path), all);
      return found.map(({ label }) => (typeof label === "string" ? label : label.map(({ value }) => value).join("")));
    }, window.path(MAIN));
    assert.ok(hints.length > 0, "no hints");
  });
  await check("a hover explains the finding", async (window, editor) => {
    await window.ask((vscode) => {
      const editor = vscode.window.activeTextEditor;
      editor.revealRange(new vscode.Range(11, 0, 11, 0), vscode.TextEditorRevealType.AtTop);
    });
    await window.page.waitForTimeout(500);
    await window.page.locator(".view-line", { hasText: "h_vlan_TCI" }).locator("span span").filter({ hasText: "vlan" }).first().hover();
    const hover = await window.shows(".monaco-hover:not(.hidden)", "are lost when the packet is not contiguous");
    assert.match(await hover.innerText(), /bpf-analyzer\W*missing-write-back/);
    await window.shows(".monaco-hover:not(.hidden)", "Quick Fix");
    await editor.shot("findings");
  });
  await check("the rule of a finding leads to its page", async (window) => {
    const link = window.page.locator(".monaco-hover:not(.hidden) a", { hasText: LOST }).first();
    await link.click();
    await previewOf(window, LOST);
    await window.run("workbench.action.closeActiveEditor");
  });
  await check("Explain Rule lets choose among all rules, those of the place first", async (window, editor) => {
    await window.open(MAIN);
    await select(window, MAIN, "vlan->h_vlan_TCI");
    await palette(window, "bpf-analyzer: Explain Rule");
    const first = window.page.locator(".quick-input-list .monaco-list-row").first();
    await window.shows(".quick-input-list .monaco-list-row", "found here");
    assert.match(await first.innerText(), /missing-write-back/);
    await editor.shot("explain-rule");
    await window.page.keyboard.type("stale");
    await window.shows(".quick-input-list .monaco-list-row", "stale-slice");
    await window.page.keyboard.press("Escape");
  });
  await check("Explain Rule shows the page beside the program", async (window, editor) => {
    await window.run("workbench.action.closePanel");
    await window.run("workbench.action.closeSidebar");
    await window.run("bpf-analyzer.explainRule", LOST);
    await previewOf(window, LOST);
    await window.page.mouse.move(640, 780);
    await editor.shot("explain");
    await window.run("workbench.action.closeActiveEditor");
    await window.run("workbench.view.explorer");
    await window.run("workbench.actions.view.problems");
  });
  await check("the address of a page can be opened as text", async (window) => {
    const text = await window.ask(async (vscode) => {
      const uri = vscode.Uri.parse("bpf-analyzer:/rules/stale-slice.md");
      return (await vscode.workspace.openTextDocument(uri)).getText();
    });
    assert.match(text, /^# stale-slice\n/);
    assert.doesNotMatch(text, /\/\/~/);
  });
  await check("a lens leads to its finding", async (window) => {
    await window.open(MAIN);
    await select(window, MAIN, "GUEST_VLAN 100");
    const lens = await window.shows(".codelens-decoration a", "1 error");
    await lens.click();
    const line = () => window.ask((vscode) => (vscode.window.activeTextEditor?.selection.active.line ?? 0) + 1);
    await until("the cursor in line 23", async () => (await line()) === 23);
    await window.page.keyboard.press("Escape");
  });
  await check("other C is left alone", async (window) => {
    await window.open("userland.c");
    const lenses = await window.ask(async (vscode, path) =>
      (await vscode.commands.executeCommand("vscode.executeCodeLensProvider", vscode.Uri.file(path)))?.length ?? 0,
    window.path("userland.c"));
    assert.equal(lenses, 0);
    await window.finds("userland.c", []);
  });
  await check("the example of the tour has its finding", async (window) => {
    await window.run("bpf-analyzer.openExample");
    const rules = () => window.ask((vscode) => {
      const { document } = vscode.window.activeTextEditor;
      return vscode.languages.getDiagnostics(document.uri).map(({ code }) => code?.value ?? code);
    });
    await until("a finding in the example", async () => (await rules()).includes("missing-write-back"), PATIENCE);
    await window.run("workbench.action.revertAndCloseActiveEditor");
  });
  await check("the tour opens", async (window, editor) => {
    await window.run("bpf-analyzer.openWalkthrough");
    await window.shows(".getting-started-category, .getting-started-step, .step-title", "Open a BPF program");
    await window.page.waitForTimeout(500);
    await editor.shot("tour");
    await window.run("workbench.action.closeAllEditors");
  });
  await check("the page of the extension is whole", async (window, editor) => {
    await window.run("extension.open", "bpf-analyzer.bpf-analyzer");
    const frame = await until("the page", () => frameWith(window, "h2", "Restricted Mode"), PATIENCE);
    await editor.shot("extension-page");
    const broken = await frame.evaluate(() => [...document.querySelectorAll("img")].filter((image) => image.naturalWidth === 0).length);
    assert.equal(broken, 0, "pictures without content");
    await window.run("workbench.action.closeAllEditors");
  });
}

async function mending(check, folder) {
  await check("the quick fix writes the bytes back, and the problem goes", async (window, editor) => {
    await window.open(MAIN);
    await window.finds(MAIN, [LOST]);
    await select(window, MAIN, "vlan->h_vlan_TCI");
    await window.page.locator(".monaco-editor.focused").first().waitFor({ timeout: PATIENCE });
    await window.page.keyboard.press("Control+.");
    const action = await window.shows(".action-widget .monaco-list-row", "Write `vlan_buf` back");
    const offered = await window.page.locator(".action-widget .monaco-list-row").allInnerTexts();
    for (const title of ["Allow `missing-write-back` on this line", "Explain `missing-write-back`"]) {
      assert.ok(offered.some((text) => text.includes(title)), `${title} is not among ${JSON.stringify(offered)}`);
    }
    await editor.shot("quick-fix");
    await action.click();
    await window.finds(MAIN, []);
    assert.match(await window.text(MAIN), /if \(vlan == &vlan_buf\)\s+bpf_dynptr_write\(&packet, sizeof\(struct ethhdr\), &vlan_buf, sizeof\(vlan_buf\), 0\);/);
    await window.page.waitForFunction(() => document.querySelectorAll(".squiggly-error").length === 0, null, { timeout: PATIENCE });
    await window.shows(".codelens-decoration a", "no findings");
    await editor.shot("fixed");
  });
  await check("the mended program is saved and stays clean", async (window) => {
    await window.run("workbench.action.files.save");
    await until("the file on disk", () => readFileSync(join(folder, MAIN), "utf8").includes("bpf_dynptr_write(&packet"));
    await window.finds(MAIN, []);
  });
  await check("all safe fixes of a file are one command", async (window) => {
    await window.open("leaked_reservation.bpf.c");
    await window.finds("leaked_reservation.bpf.c", ["dynptr-not-released", "dynptr-not-released"]);
    await window.run("bpf-analyzer.fixAll");
    await window.finds("leaked_reservation.bpf.c", []);
    await window.run("workbench.action.files.revert");
    await window.finds("leaked_reservation.bpf.c", ["dynptr-not-released", "dynptr-not-released"]);
  });
  await check("fixes can be applied when saving", async (window) => {
    const whenSaving = (vscode, value) =>
      vscode.workspace
        .getConfiguration("editor")
        .update("codeActionsOnSave", value ?? undefined, vscode.ConfigurationTarget.Global)
        .then(() => true);
    await window.ask(whenSaving, { "source.fixAll.bpf-analyzer": "explicit" });
    await window.open("small_buffer.bpf.c");
    await window.finds("small_buffer.bpf.c", ["buffer-too-small"]);
    await select(window, "small_buffer.bpf.c", "Counts IPv6");
    await window.page.keyboard.type("x");
    await window.run("workbench.action.files.save");
    await window.finds("small_buffer.bpf.c", []);
    await window.ask(whenSaving, null);
  });
  await check("an unsaved header counts", async (window) => {
    writeFileSync(join(folder, "size.h"), "#define HEADER_SIZE 40\n");
    const text = readFileSync(join(folder, "small_buffer.bpf.c"), "utf8");
    const changed = text.replace("#include <vmlinux.h>", '#include <vmlinux.h>\n#include "size.h"').replace(/hdr_buf\[[^\]]*\]/, "hdr_buf[HEADER_SIZE]");
    assert.notEqual(text, changed);
    writeFileSync(join(folder, "sized.bpf.c"), changed);
    await window.open("sized.bpf.c");
    await window.finds("sized.bpf.c", []);
    await window.open("size.h");
    await replaceAll(window, "size.h", "#define HEADER_SIZE 20\n");
    await window.finds("sized.bpf.c", ["buffer-too-small"]);
    await window.run("workbench.action.files.revert");
    await window.finds("sized.bpf.c", []);
    await window.run("workbench.action.closeAllEditors");
  });
}

async function settings(check) {
  const file = "leaked_reservation.bpf.c";
  const both = ["dynptr-not-released", "dynptr-not-released"];
  await check("rules are switched off and on while files are open", async (window) => {
    await window.open(file);
    await window.finds(file, both);
    await window.set("ignore", ["dynptr-not-released"]);
    await window.finds(file, []);
    await window.set("ignore", null);
    await window.finds(file, both);
    await window.set("severity", { "dynptr-not-released": "warning" });
    await until("warnings", async () => (await window.findings(file)).every(({ severity }) => severity === "Warning"), PATIENCE);
    await window.set("severity", null);
    await until("errors", async () => (await window.findings(file)).every(({ severity }) => severity === "Error"), PATIENCE);
  });
  await check("the configuration file is read again when it changes", async (window) => {
    writeFileSync(window.path("bpf-analyzer.toml"), 'ignore = ["dynptr-not-released"]\n');
    await window.finds(file, []);
    writeFileSync(window.path("bpf-analyzer.toml"), "");
    await window.finds(file, both);
  });
  await check("a wrong setting is named", async (window, editor) => {
    await window.set("kernel", "six");
    await window.shows(".notifications-toasts", 'bpf-analyzer.kernel must be a kernel version such as "6.12", not "six".');
    await editor.shot("wrong-setting");
    await window.set("kernel", null);
    await window.clear();
    await window.set("ignore", ["no-such-rule"]);
    await window.shows(".notifications-toasts", "no-such-rule");
    await window.set("ignore", null);
    await window.finds(file, both);
    await window.clear();
  });
  await check("lenses and hints are switched off", async (window) => {
    const counts = () => window.ask(async (vscode, path) => {
      const uri = vscode.Uri.file(path);
      const lenses = await vscode.commands.executeCommand("vscode.executeCodeLensProvider", uri);
      const hints = await vscode.commands.executeCommand("vscode.executeInlayHintProvider", uri, new vscode.Range(0, 0, 999, 0));
      return [lenses.length, hints.length];
    }, window.path(file));
    const some = await counts();
    assert.ok(some[0] > 0 && some[1] > 0, `lenses and hints: ${some}`);
    for (const name of ["codeLens.enable", "inlayHints.programTypes", "inlayHints.slices"]) {
      await window.set(name, false);
    }
    await until("no lenses and hints", async () => (await counts()).every((count) => count === 0), PATIENCE);
    for (const name of ["codeLens.enable", "inlayHints.programTypes", "inlayHints.slices"]) {
      await window.set(name, null);
    }
    await until("lenses and hints again", async () => String(await counts()) === String(some), PATIENCE);
  });
  await check("files can be checked when saved only", async (window) => {
    await window.set("run", "onSave");
    await window.reaches("ready");
    await window.finds(file, both);
    const text = await window.text(file);
    await replaceAll(window, file, "int nothing;\n");
    await new Promise((resolve) => setTimeout(resolve, 1500));
    await window.finds(file, both);
    await window.run("workbench.action.files.save");
    await window.finds(file, []);
    await replaceAll(window, file, text);
    await window.run("workbench.action.files.save");
    await window.finds(file, both);
    await window.set("run", null);
    await window.reaches("ready");
  });
  await check("checking is switched off and on", async (window) => {
    await window.set("enable", false);
    await window.reaches("disabled");
    assert.equal(await window.processId(), null);
    await window.finds(file, []);
    await window.set("enable", null);
    await window.reaches("ready");
    await window.finds(file, both);
  });
  await check("the channels of the server and of its messages open", async (window) => {
    await window.set("trace.server", "messages");
    for (const [command, channel] of [["showOutput", "bpf-analyzer"], ["showTrace", "bpf-analyzer trace"]]) {
      await window.run(`bpf-analyzer.${command}`);
      const chosen = () => window.page.locator(".part.panel select").first().evaluate((select) => select.selectedOptions[0]?.text);
      await until(`the channel ${channel}`, async () => (await chosen().catch(() => "")) === channel, 10_000);
    }
    await window.set("trace.server", null);
    await window.run("workbench.action.closePanel");
  });
}

async function workspace(check) {
  const closed = "vlan_tags.bpf.c";
  const other = "ip6_counts.bpf.c";
  await check("Check Workspace finds what is in closed files", async (window, editor) => {
    await window.run("workbench.action.closeAllEditors");
    for (const [name, from] of [[closed, MAIN], [other, "sized.bpf.c"]]) {
      const text = readFileSync(window.path(from), "utf8");
      writeFileSync(window.path(name), text.replace(/\tif \(vlan == &vlan_buf\)\n.*\n/, "").replace("HEADER_SIZE", "20"));
    }
    await window.open("leaked_reservation.bpf.c");
    await window.finds("leaked_reservation.bpf.c", ["dynptr-not-released", "dynptr-not-released"]);
    await window.finds(closed, []);
    await palette(window, "bpf-analyzer: Check Workspace");
    await window.page.keyboard.press("Enter");
    await window.finds(closed, [LOST]);
    await window.finds(other, ["buffer-too-small"]);
    await window.shows(".markers-panel .monaco-list-row", other);
    await window.page.waitForTimeout(500);
    await editor.shot("workspace");
  });
  await check("files that are opened and closed again have their findings once", async (window) => {
    await window.open(closed);
    await window.finds(closed, [LOST]);
    await new Promise((resolve) => setTimeout(resolve, 500));
    assert.equal((await window.findings(closed)).length, 1);
    await window.run("workbench.action.closeActiveEditor");
    await new Promise((resolve) => setTimeout(resolve, 500));
    await window.finds(closed, [LOST]);
  });
  await check("the whole workspace can be checked all the time", async (window) => {
    await window.set("checkScope", "workspace");
    await window.reaches("ready");
    await window.finds(other, ["buffer-too-small"]);
    writeFileSync(window.path(other), "int nothing;\n");
    // What the server does not watch it sees with the next change that it is told of.
    await window.open("size.h");
    await window.run("workbench.action.files.save");
    await window.run("workbench.action.closeActiveEditor");
    await window.finds(other, []);
    await window.set("checkScope", null);
    await window.reaches("ready");
    await window.run("workbench.action.closePanel");
  });
}

async function trouble(check) {
  const file = "leaked_reservation.bpf.c";
  const both = ["dynptr-not-released", "dynptr-not-released"];
  await check("the menu of the status item offers what can be done", async (window, editor) => {
    await window.open(file);
    await window.page.locator(".statusbar-item[aria-label*='bpf-analyzer']").first().click();
    await window.shows(".quick-input-list .monaco-list-row", "Restart Server");
    await window.shows(".quick-input-list .monaco-list-row", "Show Output");
    await editor.shot("menu");
    await window.page.keyboard.press("Escape");
  });
  await check("Restart Server starts another one", async (window) => {
    const before = await window.processId();
    await palette(window, "bpf-analyzer: Restart Server");
    await window.page.keyboard.press("Enter");
    await until("another process", async () => {
      const now = await window.processId();
      return now !== null && now !== before;
    }, PATIENCE);
    await window.finds(file, both);
  });
  await check("Stop Server stops, and a new start brings findings back", async (window) => {
    await window.run("bpf-analyzer.stopServer");
    await window.reaches("stopped");
    await window.finds(file, []);
    await window.run("bpf-analyzer.restartServer");
    await window.finds(file, both);
  });
  await check("a crashed server is started again", async (window) => {
    const before = await window.processId();
    process.kill(before, "SIGKILL");
    await until("another process", async () => {
      const now = await window.processId();
      return now !== null && now !== before;
    }, PATIENCE);
    await window.reaches("ready");
    await window.finds(file, both);
    const commands = await window.ask((vscode) => vscode.commands.getCommands(true));
    for (const kind of ["verify", "run", "layouts"]) {
      assert.ok(commands.includes(`bpf-analyzer.${kind}`), `${kind} is no command any more`);
    }
  });
  await check("a server that crashes again and again is given up, clearly", async (window, editor) => {
    for (let crashes = 1; crashes < 5; crashes += 1) {
      await window.reaches("ready");
      const before = await window.processId();
      process.kill(before, "SIGKILL");
      await until("the next state", async () => (await window.processId()) !== before, PATIENCE);
    }
    const { message } = await window.reaches("failed");
    assert.match(message, /crashed 5 times in 3 minutes/);
    await window.shows(".notifications-toasts", "is not started again");
    await editor.shot("crashed");
    await window.clear();
    await window.run("bpf-analyzer.restartServer");
    await window.reaches("ready");
    await window.finds(file, both);
  });
  await check("a server that is not found is said to be so", async (window, editor) => {
    await window.set("server.path", "/no/such/bpf-analyzer");
    const { message } = await window.reaches("failed");
    assert.match(message, /\/no\/such\/bpf-analyzer does not exist \(setting bpf-analyzer\.server\.path\)/);
    await window.shows(".notifications-toasts", "The server was not found");
    await window.shows(".notifications-toasts", "Open Settings");
    await editor.shot("not-found");
    await window.clear();
    await window.set("server.path", null);
    await window.reaches("ready");
    await window.finds(file, both);
  });
}
