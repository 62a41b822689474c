// Findings of files that are not open, which a check of the workspace gave. Those of open files come from
// the client and are never kept here too.
import * as vscode from "vscode";

/** The findings of closed files. */
export class ClosedFiles implements vscode.Disposable {
  private readonly collection = vscode.languages.createDiagnosticCollection("bpf-analyzer");
  /** The last findings of each open file, to keep them when it is closed. */
  private readonly open = new Map<string, [vscode.Uri, vscode.Diagnostic[]]>();
  private checked = false;
  private readonly tabs = vscode.window.tabGroups.onDidChangeTabs(({ closed }) => {
    if (closed.length > 0) {
      this.keepClosed();
    }
  });

  /** Replaces all findings by those of a check. */
  replace(findings: readonly (readonly [vscode.Uri, vscode.Diagnostic[]])[]): void {
    this.checked = true;
    this.collection.clear();
    for (const [uri, diagnostics] of findings) {
      if (!this.open.has(uri.toString())) {
        this.collection.set(uri, diagnostics);
      }
    }
  }

  /** The client has shown these findings of an open file. */
  opened(uri: vscode.Uri, diagnostics: vscode.Diagnostic[]): void {
    this.open.set(uri.toString(), [uri, diagnostics]);
    this.collection.delete(uri);
  }

  /** The files that are open, and their findings. */
  openFiles(): readonly [vscode.Uri, vscode.Diagnostic[]][] {
    return [...this.open.values()];
  }

  /** Forgets everything, when the server ends. */
  clear(): void {
    this.checked = false;
    this.open.clear();
    this.collection.clear();
  }

  dispose(): void {
    this.tabs.dispose();
    this.collection.dispose();
  }

  /** The client forgets files without a tab. After a check of the workspace their findings stay. */
  private keepClosed(): void {
    const shown = new Set(vscode.window.tabGroups.all.flatMap(({ tabs }) => tabs.flatMap(addresses)));
    for (const [key, [uri, diagnostics]] of this.open) {
      if (!shown.has(key)) {
        this.open.delete(key);
        if (this.checked && vscode.workspace.getWorkspaceFolder(uri) !== undefined) {
          this.collection.set(uri, diagnostics);
        }
      }
    }
  }
}

function addresses({ input }: vscode.Tab): string[] {
  if (input instanceof vscode.TabInputText) {
    return [input.uri.toString()];
  }
  return input instanceof vscode.TabInputTextDiff ? [input.original.toString(), input.modified.toString()] : [];
}
