// The pages of rules, which the server program prints.
import * as vscode from "vscode";

import { SECTION } from "./client";
import { EXPLAIN_RULE, ordered, pagePath, readRules, ruleOf, SCHEME } from "./links";
import { output } from "./probe";
import { messageOf, type Session } from "./session";

/** Makes pages open under their own scheme, and registers the command that shows one. */
export function registerRulePages(session: Session): vscode.Disposable[] {
  const provider: vscode.TextDocumentContentProvider = {
    provideTextDocumentContent: (uri) => page(session, uri),
  };
  return [
    vscode.workspace.registerTextDocumentContentProvider(SCHEME, provider),
    vscode.commands.registerCommand(EXPLAIN_RULE, (rule: unknown) => explainRule(session, rule)),
  ];
}

async function page(session: Session, uri: vscode.Uri): Promise<string> {
  const rule = ruleOf(uri.path);
  if (rule === undefined) {
    return `There is no page ${uri.path}.\n`;
  }
  const server = await session.server();
  if (server === undefined) {
    return "The server that knows the rules was not found.\n";
  }
  try {
    return await output(server.path, ["explain", rule]);
  } catch (error) {
    return `The page cannot be shown: ${messageOf(error)}\n`;
  }
}

async function explainRule(session: Session, argument: unknown): Promise<void> {
  const rule = typeof argument === "string" ? argument : await pickRule(session);
  if (rule === undefined) {
    return;
  }
  const uri = vscode.Uri.from({ scheme: SCHEME, path: pagePath(rule) });
  await vscode.commands.executeCommand("vscode.open", uri, { viewColumn: vscode.ViewColumn.Beside });
}

/** Lets the user choose; rules of findings in the cursor's line come first. */
async function pickRule(session: Session): Promise<string | undefined> {
  const server = await session.server();
  if (server === undefined) {
    return undefined;
  }
  const here = rulesAtCursor();
  const rules = ordered(readRules(await output(server.path, ["rules", "--format", "json"])), here);
  const items = rules.map((rule) => ({
    label: rule.name,
    description: here.has(rule.name) ? `${rule.severity}, found here` : rule.severity,
    detail: rule.summary.replaceAll("`", ""),
  }));
  const options = { title: "Explain a rule", matchOnDetail: true, placeHolder: "Name or words of a rule" };
  return (await vscode.window.showQuickPick(items, options))?.label;
}

function rulesAtCursor(): Set<string> {
  const editor = vscode.window.activeTextEditor;
  const rules = new Set<string>();
  if (editor !== undefined) {
    const { line } = editor.selection.active;
    for (const { source, code, range } of vscode.languages.getDiagnostics(editor.document.uri)) {
      if (source === SECTION && range.start.line <= line && line <= range.end.line) {
        rules.add(String(typeof code === "object" ? code.value : code));
      }
    }
  }
  return rules;
}
