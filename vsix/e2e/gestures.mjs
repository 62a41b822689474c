// What people do in a window: palette, cursor, text, pages.
import { until } from "./link.mjs";
import { PATIENCE } from "./window.mjs";

/** Opens the command palette with a text; the first entry is chosen by Enter. */
export async function palette(window, text) {
  await window.page.keyboard.press("F1");
  const input = window.page.locator(".quick-input-widget input").first();
  await input.waitFor({ state: "visible", timeout: PATIENCE });
  await input.fill(`>${text}`);
  await window.shows(".quick-input-list .monaco-list-row", text);
  if (text.includes("Explain")) {
    await window.page.keyboard.press("Enter");
  }
}

/** Chooses the command with this title in the command palette, whatever else begins so. */
export async function choose(window, title) {
  await palette(window, title);
  const name = new RegExp(`^${title.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}$`);
  const row = window.page.locator(".quick-input-list .monaco-list-row .label-name").filter({ hasText: name }).first();
  await row.click();
  await window.page.locator(".quick-input-widget").first().waitFor({ state: "hidden", timeout: PATIENCE });
}

/** Puts the cursor at a piece of text of an open file. */
export function select(window, name, piece) {
  const place = async (vscode, [path, wanted]) => {
    const editor = await vscode.window.showTextDocument(vscode.Uri.file(path), { preview: false });
    const position = editor.document.positionAt(editor.document.getText().indexOf(wanted));
    editor.selection = new vscode.Selection(position, position);
    editor.revealRange(new vscode.Range(position, position), vscode.TextEditorRevealType.InCenterIfOutsideViewport);
    return true;
  };
  return window.ask(place, [window.path(name), piece]);
}

/** Replaces the text of an open file without saving it. */
export function replaceAll(window, name, text) {
  const replace = async (vscode, [path, wanted]) => {
    const editor = await vscode.window.showTextDocument(vscode.Uri.file(path), { preview: false });
    const whole = new vscode.Range(0, 0, editor.document.lineCount, 0);
    return editor.edit((edit) => edit.replace(whole, wanted));
  };
  return window.ask(replace, [window.path(name), text]);
}

/** Waits for the preview of a rule's page, drawn. */
export async function previewOf(window, rule) {
  const tabs = () => window.ask((vscode) => vscode.window.tabGroups.all.flatMap(({ tabs }) => tabs.map(({ label, input }) => [label, input?.viewType ?? ""])));
  await until(`the preview of ${rule}`, async () =>
    (await tabs()).some(([label, view]) => label.includes(rule) && view.includes("markdown.preview")), PATIENCE);
  await until(`the page of ${rule}`, () => frameWith(window, "h1", rule), PATIENCE);
}

/** The frame of the page in which an element has this text. */
export async function frameWith(window, selector, text) {
  for (const frame of window.page.frames()) {
    if ((await frame.locator(selector, { hasText: text }).count().catch(() => 0)) > 0) {
      return frame;
    }
  }
  return undefined;
}
