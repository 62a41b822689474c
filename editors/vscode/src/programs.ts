// Commands about the program at the cursor.
import * as vscode from "vscode";

import { commandOf, programAt, type Extent, type Kind, type Report } from "./report";
import type { Session } from "./session";

/** Verifies or runs the program at the cursor, or one that the user chooses if it is in none. */
export async function checkAtCursor(session: Session, kind: Kind): Promise<Report | undefined> {
  const editor = vscode.window.activeTextEditor;
  if (editor?.document.languageId !== "c") {
    void vscode.window.showInformationMessage("bpf-analyzer: open a BPF program first.");
    return undefined;
  }
  await session.start();
  if (session.client === undefined) {
    return undefined;
  }
  const uri = editor.document.uri.toString();
  const program = await choose(editor);
  if (program === undefined) {
    return undefined;
  }
  return vscode.commands.executeCommand<Report | undefined>(commandOf(kind), { uri, program: program.name });
}

async function choose(editor: vscode.TextEditor): Promise<Extent | undefined> {
  const programs = await programsOf(editor.document.uri);
  const program = programAt(programs, editor.selection.active.line);
  if (program !== undefined) {
    return program;
  }
  if (programs.length === 0) {
    void vscode.window.showInformationMessage("bpf-analyzer: there is no program in this file, which has a SEC(…).");
    return undefined;
  }
  const items = programs.map((extent) => ({ label: extent.name, description: `line ${extent.first + 1}`, extent }));
  return (await vscode.window.showQuickPick(items, { title: "Programs of this file" }))?.extent;
}

/** The programs of a file: the server's outline has them as events, since the kernel calls them. */
async function programsOf(uri: vscode.Uri): Promise<Extent[]> {
  type Symbols = (vscode.DocumentSymbol | vscode.SymbolInformation)[] | undefined;
  const symbols = await vscode.commands.executeCommand<Symbols>("vscode.executeDocumentSymbolProvider", uri);
  return (symbols ?? [])
    .filter((symbol): symbol is vscode.DocumentSymbol => "selectionRange" in symbol)
    .filter(({ kind }) => kind === vscode.SymbolKind.Event)
    .map(({ name, range }) => ({ name, first: range.start.line, last: range.end.line }));
}
