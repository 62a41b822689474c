// Findings of files that are not open, which a check of the workspace gave. Those of open files come from
// the client and are never kept here too.
import * as vscode from "vscode";

/** The findings of closed files. */
export class ClosedFiles implements vscode.Disposable {
  private readonly collection = vscode.languages.createDiagnosticCollection("bpf-analyzer");
  /** The last findings of each open file, to keep them when it is closed. */
  private readonly open = new Map<string, vscode.Diagnostic[]>();
  private checked = false;

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
    this.open.set(uri.toString(), diagnostics);
    this.collection.delete(uri);
  }

  /** The files that are open, as text, and their findings. */
  openFiles(): [string, vscode.Diagnostic[]][] {
    return [...this.open];
  }

  /** The client forgets a file. After a check of the workspace its findings stay. */
  closed(document: vscode.TextDocument): void {
    const key = document.uri.toString();
    const diagnostics = this.open.get(key);
    this.open.delete(key);
    const inWorkspace = vscode.workspace.getWorkspaceFolder(document.uri) !== undefined;
    if (this.checked && inWorkspace && diagnostics !== undefined && !document.isDirty) {
      this.collection.set(document.uri, diagnostics);
    }
  }

  /** Forgets everything, when the server ends. */
  clear(): void {
    this.checked = false;
    this.open.clear();
    this.collection.clear();
  }

  dispose(): void {
    this.collection.dispose();
  }
}
