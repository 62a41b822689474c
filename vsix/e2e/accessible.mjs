// Whether the page of a report is of use to those who see little or nothing, or have no mouse: rules of WCAG, checked by
// axe-core in the page itself, and a walk with the keyboard.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

import { until } from "./link.mjs";
import { PATIENCE } from "./window.mjs";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** What is checked: WCAG 2.2 up to level AA, and what axe's authors think good practice. */
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

/** Rules that must have found something to look at, so that nothing passes because nothing was there. */
const NEEDED = ["color-contrast", "heading-order", "html-has-lang", "landmark-one-main", "link-name", "document-title"];

/** Themes, and the kinds of them that a page is told. */
const THEMES = [
  ["Default Light Modern", "vscode-light"],
  ["Default High Contrast", "vscode-high-contrast"],
  ["Default High Contrast Light", "vscode-high-contrast-light"],
  ["Default Dark Modern", "vscode-dark"],
];

/** Changes the theme, and waits until the page `frame()` has it. */
async function wear(window, frame, [theme, kind]) {
  const update = (vscode, name) => {
    const section = vscode.workspace.getConfiguration("workbench");
    return section.update("colorTheme", name, vscode.ConfigurationTarget.Global).then(() => true);
  };
  await window.ask(update, theme, PATIENCE);
  const worn = async () => (await frame()).evaluate((name) => document.body.classList.contains(name), kind);
  await until(`the page in ${theme}`, () => worn().catch(() => false), PATIENCE);
}

/** Everything that is wrong with the page `frame()` in any theme, in words. Each is looked at with `look`. */
export async function faultsInThemes(window, frame, look = () => undefined) {
  const all = [];
  for (const theme of THEMES) {
    await wear(window, frame, theme);
    all.push(...(await faults(await frame())).map((fault) => `${theme[0]}: ${fault}`));
    await look(theme[1]);
  }
  return all;
}

async function faults(frame) {
  await frame.evaluate(AXE);
  const result = await frame.evaluate(async (tags) => {
    const { violations, passes, incomplete } = await axe.run(document, { runOnly: { type: "tag", values: tags } });
    const told = ({ id, impact, help, nodes }) =>
      nodes.map(({ target, failureSummary }) => `${id} (${impact}): ${help}: ${target.join(" ")}: ${failureSummary}`);
    // What axe cannot decide is no fault, unless it is about colours, which are all plain here.
    const unknown = incomplete.filter(({ id }) => id === "color-contrast");
    return { faults: [...violations, ...unknown].flatMap(told), passed: passes.map(({ id }) => id) };
  }, RULES);
  const idle = NEEDED.filter((rule) => !result.passed.includes(rule) && !result.faults.some((fault) => fault.startsWith(rule)));
  assert.deepEqual(idle, [], "rules that looked at nothing");
  return result.faults;
}

/** Walks through the page with Tab: what is reached, in order. Each must show that it has the focus. */
export async function walk(window, frame) {
  const all = await frame.locator("a, button:visible, [tabindex]").count();
  await frame.locator("a, button:visible, [tabindex]").first().focus();
  const reached = [];
  for (let step = 0; step < all; step += 1) {
    reached.push(await frame.evaluate(() => {
      const { tagName, className, dataset } = document.activeElement;
      const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement);
      const isSeen = document.activeElement.matches(":focus-visible") && outlineStyle !== "none" && outlineWidth !== "0px";
      return { what: dataset.line ?? (className || tagName), isSeen };
    }));
    await window.page.keyboard.press("Tab");
  }
  return { all, reached };
}
