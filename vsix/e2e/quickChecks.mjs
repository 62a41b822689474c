// Programs are verified and run: lenses, the page with the report, findings, and what an edit does to them.
import assert from "node:assert/strict";
import { chmodSync, copyFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { ROOT, VSIX } from "../lib/host.mjs";
import { faultsInThemes, walk } from "./accessible.mjs";
import { choose, frameWith, replaceAll, select } from "./gestures.mjs";
import { until } from "./link.mjs";
import { PATIENCE } from "./window.mjs";

/** A program that the kernel accepts, and that loses bytes on some layouts of a packet. */
const LOST = "lost_tag.bpf.c";
const WRITE = "vlan->h_vlan_TCI";

/** One that the kernel rejects, and about which nothing is said before. */
const REJECTED = "past_the_end.bpf.c";

/** Runs the checks in an open window. */
export async function quickChecks(check) {
  await check("each program has lenses that verify and run it", async (window) => {
    await window.run("workbench.action.closeAllEditors");
    await window.run("workbench.action.closePanel");
    copyFileSync(join(VSIX, "workspace", "vlan_retag.bpf.c"), window.path(LOST));
    await window.open(LOST);
    await select(window, LOST, WRITE);
    for (const lens of ["Verify", "Run", "Layouts"]) {
      await window.shows(".codelens-decoration a", lens);
    }
  });
  await check("a click on a lens verifies the program, and the report opens beside it", async (window, editor) => {
    await (await window.shows(".codelens-decoration a", "Verify")).click();
    await reportWith(window, ".ba-verdict.ok", "accepted");
    await window.shows(".codelens-decoration a", /Verify: accepted · [\d,]+ of 1,000,000 insns/);
    assert.deepEqual(await columns(window), [[LOST], ["Verify: retag"]]);
    assert.equal(await active(window), LOST, "the program keeps the focus");
    await editor.shot("verify");
  });
  await check("the program at the cursor is run", async (window) => {
    await select(window, LOST, WRITE);
    await choose(window, "bpf-analyzer: Run Program at Cursor");
    await window.shows(".codelens-decoration a", /Run: \d+ \(XDP_PASS\)/);
    await reportWith(window, "h2", "retag");
    assert.deepEqual(await columns(window), [[LOST], ["Run: retag"]], "the page is the same");
  });
  await check("all layouts of a packet show the lost write", async (window, editor) => {
    await select(window, LOST, WRITE);
    await choose(window, "bpf-analyzer: Run Program at Cursor on All Packet Layouts");
    await window.shows(".codelens-decoration a", /Layouts: [1-9]\d* divergence/);
    await reportWith(window, ".ba-layout", "");
    await until("the finding of the rule, confirmed", () => isConfirmed(window), PATIENCE);
    assert.deepEqual((await window.findings(LOST)).map(({ rule }) => rule), ["missing-write-back"], "said once");
    await window.run("workbench.action.closeSidebar");
    await editor.shot("layouts");
    await window.run("workbench.view.explorer");
  });
  await check("the page is well-formed for those who cannot see it", async (window) => {
    const frame = await reportWith(window, "h2", "retag");
    const page = await frame.evaluate(() => ({
      language: document.documentElement.lang,
      levels: [...document.querySelectorAll("h1, h2, h3, h4")].map(({ tagName }) => Number(tagName[1])),
      status: document.querySelector("[role=status]") !== null,
      lines: [...document.querySelectorAll("[data-line]")].map(({ tabIndex, tagName }) => [tabIndex, tagName]),
    }));
    assert.equal(page.language, "en");
    assert.deepEqual(page.levels.filter((level) => level === 1), [1]);
    page.levels.forEach((level, index) => assert.ok(index === 0 || level <= page.levels[index - 1] + 1, `levels ${page.levels}`));
    assert.ok(page.status);
    assert.ok(page.lines.length > 0 && page.lines.every(([index, tag]) => index === 0 && tag === "A"), JSON.stringify(page.lines));
  });
  await check("the page keeps the rules of accessibility in all themes", async (window, editor) => {
    const frame = () => reportWith(window, ".ba-hex", "");
    assert.deepEqual(await faultsInThemes(window, frame, (theme) => editor.shot(`report-${theme}`)), []);
  });
  await check("all of the page is reached with the keyboard, and the focus is seen", async (window) => {
    const { all, reached } = await walk(window, await reportWith(window, ".ba-hex", ""));
    assert.ok(all > 2, `${all} places`);
    assert.deepEqual(reached.filter(({ isSeen }) => !isSeen), []);
    assert.ok(reached.some(({ what }) => what === "ba-hex"), "bytes can be scrolled to");
    assert.ok(reached.some(({ what }) => Number(what) > 0), "lines can be gone to");
    // Files are opened where the focus is.
    await window.run("workbench.action.focusFirstEditorGroup");
  });
  await check("only the script of the page itself runs in it", async (window) => {
    const frame = await reportWith(window, "h2", "retag");
    const ran = await frame.evaluate(async () => {
      const refused = new Promise((resolve) => document.addEventListener("securitypolicyviolation", () => resolve(true)));
      const script = document.createElement("script");
      script.textContent = "window.intruded = true";
      document.body.append(script);
      await refused;
      return window.intruded === true;
    });
    assert.equal(ran, false);
  });
  await check("a step of the report leads to its line, with the keyboard too", async (window) => {
    const frame = await reportWith(window, "[data-line]", "");
    const link = frame.locator("[data-line]").first();
    const wanted = Number(await link.getAttribute("data-line"));
    const cursor = () => window.ask((vscode) => (vscode.window.activeTextEditor?.selection.active.line ?? -1) + 1);
    for (const go of [() => link.click(), () => link.press("Enter")]) {
      await select(window, LOST, "GUEST_VLAN 100");
      await until("the cursor elsewhere", async () => (await cursor()) !== wanted);
      await go();
      await until(`the cursor in line ${wanted}`, async () => (await cursor()) === wanted, PATIENCE);
      assert.equal(await active(window), LOST);
    }
    assert.deepEqual(await columns(window), [[LOST], ["Run on all packet layouts: retag"]]);
  });
  await check("an edit takes all results back", async (window, editor) => {
    await select(window, LOST, "GUEST_VLAN 100");
    await window.page.locator(".monaco-editor.focused").first().waitFor({ timeout: PATIENCE });
    await window.page.keyboard.type("/**/");
    const outdated = () => reportWith(window, ".outdated:not([hidden]) [role=status]", "has changed since this was found");
    await outdated();
    assert.deepEqual(await faultsInThemes(window, outdated), []);
    await until("no result in the lenses", async () => {
      const lenses = await window.page.locator(".codelens-decoration a").allInnerTexts();
      return lenses.includes("Verify") && lenses.every((lens) => !/^(Verify|Run|Layouts):/.test(lens));
    }, PATIENCE);
    await until("the finding of the rule alone", async () => !(await isConfirmed(window)), PATIENCE);
    await editor.shot("outdated");
  });
  await check("the page offers to do it again", async (window) => {
    const frame = await reportWith(window, "button", "again");
    await frame.locator("button").click();
    await window.shows(".codelens-decoration a", /Layouts: [1-9]\d* divergence/);
    await reportWith(window, ".outdated[hidden]", "");
  });
  await check("Show Last Report opens a closed page again", async (window) => {
    await window.ask(async (vscode) => {
      const pages = vscode.window.tabGroups.all.flatMap(({ tabs }) => tabs).filter(({ label }) => label.includes(": retag"));
      return vscode.window.tabGroups.close(pages);
    });
    assert.deepEqual(await columns(window), [[LOST]]);
    await choose(window, "bpf-analyzer: Show Last Report");
    await reportWith(window, ".ba-layout", "");
    await window.run("workbench.action.files.revert");
  });
  await check("a window that is loaded again offers the report again", async (window, editor) => {
    await editor.reload();
    await window.reaches("ready");
    const frame = await reportWith(window, ".outdated:not([hidden]) [role=status]", "There is no result");
    assert.deepEqual(await columns(window), [[LOST], ["Run on all packet layouts: retag"]]);
    await frame.locator("button").click();
    await reportWith(window, ".ba-layout", "");
    await window.run("workbench.action.closeAllEditors");
  });
  await check("what the kernel rejects is underlined and explained", async (window, editor) => {
    copyFileSync(join(ROOT, "tests", "editors", "fixtures", REJECTED), window.path(REJECTED));
    await window.open(REJECTED);
    await window.finds(REJECTED, []);
    await select(window, REJECTED, "return");
    await choose(window, "bpf-analyzer: Verify Program at Cursor");
    const [finding] = await window.finds(REJECTED, ["verifier"]);
    assert.equal(finding.severity, "Error");
    assert.equal(finding.source, "bpf-analyzer");
    assert.match(finding.message, /invalid access to packet/);
    assert.ok(finding.related.length > 0, "no related information");
    await window.shows(".codelens-decoration a", /Verify: rejected · invalid access to packet/);
    const rejected = () => reportWith(window, ".ba-verdict.bad", "rejected");
    assert.deepEqual(await faultsInThemes(window, rejected), []);
    await editor.shot("rejected");
  });
  await check("a program is verified when it is saved, unless that is switched off", async (window) => {
    const text = await window.text(REJECTED);
    await window.set("verify.onSave", false);
    const mended = text.replace("\treturn *", "\tif (data + 1 > (void *)(long)skb->data_end)\n\t\treturn 0;\n\treturn *");
    assert.notEqual(mended, text);
    await replaceAll(window, REJECTED, mended);
    await window.finds(REJECTED, []);
    await window.run("workbench.action.files.save");
    // What is asked for after the file was saved is answered after it.
    await choose(window, "bpf-analyzer: Run Program at Cursor");
    await window.shows(".codelens-decoration a", /Run: \d/);
    const lenses = await window.page.locator(".codelens-decoration a").allInnerTexts();
    assert.ok(lenses.includes("Verify"), `lenses: ${lenses}`);
    await window.set("verify.onSave", null);
    await choose(window, "bpf-analyzer: Verify Program at Cursor");
    await window.shows(".codelens-decoration a", "Verify: accepted");
    await reportWith(window, ".ba-verdict.ok", "accepted");
    await replaceAll(window, REJECTED, text);
    await window.finds(REJECTED, []);
    await window.run("workbench.action.files.save");
    await window.finds(REJECTED, ["verifier"]);
    // The page follows, without being asked.
    await reportWith(window, ".ba-verdict.bad", "rejected");
  });
  await check("the compiler is the one that the machine names, and a check can be cancelled", async (window, editor) => {
    const { program, trace } = plantCompiler(window.folder);
    await window.set("clang", program);
    await select(window, REJECTED, "return");
    await choose(window, "bpf-analyzer: Verify Program at Cursor");
    const compiler = await until("the compiler", () => existsSync(trace) && readFileSync(trace, "utf8").trim(), PATIENCE);
    await window.shows(".notifications-toasts", "Verifying first_byte");
    await editor.shot("progress");
    await window.page.locator(".notifications-toasts .monaco-button", { hasText: "Cancel" }).first().click();
    await until("the end of the compiler", () => !existsSync(`/proc/${compiler}`), PATIENCE);
    await until("no progress", async () => (await window.page.locator(".notifications-toasts .notification-toast").count()) === 0, PATIENCE);
    await window.set("clang", null);
    await window.run("workbench.action.closeAllEditors");
  });
}

/** A compiler that never ends, and the file with its process that it leaves behind when it is to compile. */
export function plantCompiler(folder) {
  const program = join(folder, "clang-99");
  const trace = join(folder, "it-was-compiled");
  const text = `#!/bin/sh
case "$1" in
--version) echo "clang version 19.1.0" ;;
--print-targets) echo "    bpf - BPF" ;;
*) echo $$ >'${trace}.new' && mv '${trace}.new' '${trace}' && exec sleep 600 ;;
esac
`;
  writeFileSync(program, text);
  chmodSync(program, 0o755);
  return { program, trace };
}

/** Whether the finding about the lost bytes says that they were seen to be lost in a run. */
async function isConfirmed(window) {
  const finding = (await window.findings(LOST)).find(({ rule }) => rule === "missing-write-back");
  return finding?.related.some(({ message }) => message.startsWith("the runtime agrees: ")) ?? false;
}

/** Waits for a report with an element that has this text; its frame. */
async function reportWith(window, selector, text) {
  return until(`a report with ${selector} ${text}`, () => frameWith(window, `body[data-state] ${selector}`, text), PATIENCE);
}

/** The labels of the tabs, by column. */
function columns(window) {
  return window.ask((vscode) => vscode.window.tabGroups.all.map(({ tabs }) => tabs.map(({ label }) => label)));
}

/** The name of the file that has the focus. */
function active(window) {
  return window.ask((vscode) => vscode.window.activeTextEditor?.document.uri.path.split("/").pop() ?? null);
}
