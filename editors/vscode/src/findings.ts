// Commands about the findings of a file: a click on the line above a program, and all fixes at once.
import * as vscode from "vscode";

import { SECTION } from "./client";

/** The kind of the code action that applies all safe fixes. */
const FIX_ALL = "source.fixAll.bpf-analyzer";

/** Applies all safe fixes to the file in the active editor. */
export async function fixAll(): Promise<void> {
  const document = vscode.window.activeTextEditor?.document;
  if (document === undefined) {
    return;
  }
  const actions = await vscode.commands.executeCommand<vscode.CodeAction[] | undefined>(
    "vscode.executeCodeActionProvider",
    document.uri,
    new vscode.Range(0, 0, document.lineCount, 0),
    FIX_ALL,
    1,
  );
  const edit = actions?.find(({ kind }) => kind?.value === FIX_ALL)?.edit;
  if (edit === undefined) {
    vscode.window.setStatusBarMessage("$(check) bpf-analyzer has no safe fixes for this file", 5000);
  } else if (!(await vscode.workspace.applyEdit(edit))) {
    void vscode.window.showErrorMessage("bpf-analyzer: the fixes could not be applied.");
  }
}

/** Shows the findings of the program whose name is at a position. */
export async function showFindings(address: unknown, place: unknown): Promise<void> {
  if (typeof address !== "string" || !isPosition(place)) {
    return;
  }
  const uri = vscode.Uri.parse(address, true);
  const position = new vscode.Position(place.line, place.character);
  const program = await programAt(uri, position);
  const found = vscode.languages
    .getDiagnostics(uri)
    .filter(({ source, range }) => source === SECTION && program?.range.contains(range.start) !== false)
    .sort((a, b) => a.range.start.compareTo(b.range.start));
  const [first, ...others] = found;
  if (first === undefined) {
    const name = program?.name ?? "the program";
    vscode.window.setStatusBarMessage(`$(check) bpf-analyzer finds nothing in ${name}`, 5000);
  } else if (others.length === 0) {
    await reveal(uri, first);
  } else {
    await choose(uri, found);
  }
}

function isPosition(value: unknown): value is { line: number; character: number } {
  const position = value as { line?: unknown; character?: unknown } | null | undefined;
  return typeof position?.line === "number" && typeof position.character === "number";
}

async function programAt(
  uri: vscode.Uri,
  position: vscode.Position,
): Promise<vscode.DocumentSymbol | undefined> {
  type Symbols = (vscode.DocumentSymbol | vscode.SymbolInformation)[] | undefined;
  const symbols = await vscode.commands.executeCommand<Symbols>("vscode.executeDocumentSymbolProvider", uri);
  // Another extension may give symbols too; any function around the name will do.
  return symbols?.find(
    (symbol): symbol is vscode.DocumentSymbol =>
      "selectionRange" in symbol && symbol.selectionRange.contains(position),
  );
}

async function choose(uri: vscode.Uri, found: readonly vscode.Diagnostic[]): Promise<void> {
  const items = found.map((diagnostic) => ({
    label: `${icon(diagnostic.severity)} ${diagnostic.message.split("\n")[0] ?? ""}`,
    description: `line ${diagnostic.range.start.line + 1}`,
    diagnostic,
  }));
  const chosen = await vscode.window.showQuickPick(items, { title: "Findings of bpf-analyzer" });
  if (chosen !== undefined) {
    await reveal(uri, chosen.diagnostic);
  }
}

async function reveal(uri: vscode.Uri, { range }: vscode.Diagnostic): Promise<void> {
  const selection = new vscode.Range(range.start, range.start);
  await vscode.window.showTextDocument(uri, { selection });
  await vscode.commands.executeCommand("editor.action.showHover");
}

function icon(severity: vscode.DiagnosticSeverity): string {
  switch (severity) {
    case vscode.DiagnosticSeverity.Error:
      return "$(error)";
    case vscode.DiagnosticSeverity.Warning:
      return "$(warning)";
    case vscode.DiagnosticSeverity.Information:
    case vscode.DiagnosticSeverity.Hint:
      return "$(info)";
  }
}
