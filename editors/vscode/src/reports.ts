// Quick checks: asks the server for them and shows what came of them in a page beside the program. The server
// says when a report no longer counts.
import { randomBytes } from "node:crypto";
import * as vscode from "vscode";

import { commandOf, isReport, isSubject, subjectOf, type Kind, type Report, type Subject } from "./report";
import { fromPage, page, tabTitle, type ToPage } from "./reportPage";

/** What the page is called inside the editor. */
const VIEW = "bpf-analyzer.report";

/** What the server calls the request for the last report, and says when reports no longer count. */
export const LAST_REPORT = "bpf-analyzer/report";
export const STALE = "bpf-analyzer/reportStale";

const TITLES = { verify: "Verifying", run: "Running", layouts: "Running on all packet layouts" } as const;
const CHANGED = "The text, or a setting, has changed since this was found.";
const NOTHING_YET = "There is no result for the text as it is now.";
const ENDED = "The server that found this has ended.";

/** What the server can be asked; undefined if none runs. */
export interface Asked {
  /** Has it do a command, with progress under a title. */
  execute(title: string, command: string, args: readonly unknown[]): Promise<unknown>;
  /** Asks for the last report on the text as it is now. */
  last(subject: Subject): Promise<unknown>;
}

/** The reports of a window, of which one is shown. */
export class Reports implements vscode.Disposable {
  private panel: vscode.WebviewPanel | undefined;
  private subject: Subject | undefined;
  private report: Report | undefined;
  private outdated = "";
  private readonly serializer: vscode.Disposable;

  constructor(private readonly server: Asked) {
    this.serializer = vscode.window.registerWebviewPanelSerializer(VIEW, {
      deserializeWebviewPanel: (panel, state) => this.restore(panel, state),
    });
  }

  /** Does what a command of the server says, and shows the report; undefined if there is none. */
  async execute(kind: Kind, args: readonly unknown[]): Promise<Report | undefined> {
    const subject = subjectOf(kind, args);
    if (subject === undefined || !mayCompile()) {
      return undefined;
    }
    const answer = await this.server.execute(`${TITLES[kind]} ${subject.program}`, commandOf(kind), args);
    if (!isReport(answer)) {
      return undefined;
    }
    this.show(answer, answer, isOfCurrentText(answer) ? "" : CHANGED);
    return answer;
  }

  /** Shows the last report again; whether there is one. */
  showLast(): boolean {
    if (this.subject === undefined) {
      return false;
    }
    this.show(this.subject, this.report, this.outdated);
    return true;
  }

  /** The server says that reports on this file no longer count. */
  stale(uri: unknown): void {
    if (typeof uri === "string" && this.isAbout(uri)) {
      this.become(CHANGED);
    }
  }

  /** The server has ended, and with it what it knew. */
  serverEnded(): void {
    if (this.report !== undefined && this.outdated === "") {
      this.become(ENDED);
    }
  }

  /** Results of a file may have changed by themselves, as when it was saved: shows the new one of what is shown. */
  async refresh(uri: vscode.Uri): Promise<void> {
    const { subject } = this;
    if (this.panel === undefined || subject === undefined || this.outdated === "" || !this.isAbout(uri.toString())) {
      return;
    }
    const report = await this.last(subject);
    if (report !== undefined && this.subject === subject) {
      this.draw(report, report, "");
    }
  }

  dispose(): void {
    this.serializer.dispose();
    this.panel?.dispose();
  }

  private isAbout(uri: string): boolean {
    return this.subject !== undefined && normal(this.subject.uri) === normal(uri);
  }

  private show(subject: Subject, report: Report | undefined, outdated: string): void {
    if (this.panel === undefined) {
      const where = { viewColumn: vscode.ViewColumn.Beside, preserveFocus: true };
      const panel = vscode.window.createWebviewPanel(VIEW, tabTitle(subject), where, { enableFindWidget: true });
      this.adopt(panel);
    } else {
      // Not over the program that it is about.
      const covers = this.panel.viewColumn === vscode.window.activeTextEditor?.viewColumn;
      this.panel.reveal(covers ? vscode.ViewColumn.Beside : undefined, true);
    }
    this.draw(subject, report, outdated);
  }

  private adopt(panel: vscode.WebviewPanel): void {
    this.panel = panel;
    panel.webview.options = { enableScripts: true, localResourceRoots: [] };
    panel.webview.onDidReceiveMessage((message) => this.received(message));
    panel.onDidDispose(() => {
      this.panel = this.panel === panel ? undefined : this.panel;
    });
  }

  private draw(subject: Subject, report: Report | undefined, outdated: string): void {
    this.subject = subject;
    this.report = report;
    this.outdated = outdated;
    if (this.panel !== undefined) {
      this.panel.title = tabTitle(subject);
      this.panel.webview.html = page({ subject, report }, randomBytes(16).toString("hex"));
    }
  }

  private become(outdated: string): void {
    this.outdated = outdated;
    const message: ToPage = { type: "state", outdated };
    void this.panel?.webview.postMessage(message);
  }

  private async received(message: unknown): Promise<void> {
    const said = fromPage(message);
    const { subject } = this;
    if (said === undefined || subject === undefined) {
      return;
    }
    switch (said.type) {
      case "ready":
        this.become(this.outdated);
        break;
      case "again":
        await this.execute(subject.kind, [{ uri: subject.uri, program: subject.program }]);
        break;
      case "line":
        await reveal(vscode.Uri.parse(subject.uri, true), said.line);
        break;
    }
  }

  /** A page of the session before: what the server still knows is shown in it, else that it can be asked again. */
  private async restore(panel: vscode.WebviewPanel, state: unknown): Promise<void> {
    if (!isSubject(state) || this.panel !== undefined) {
      panel.dispose();
      return;
    }
    this.adopt(panel);
    const report = await this.last(state);
    this.draw(state, report, report === undefined ? NOTHING_YET : "");
  }

  private async last({ uri, program, kind }: Subject): Promise<Report | undefined> {
    try {
      const answer = await this.server.last({ uri, program, kind });
      return isReport(answer) && isOfCurrentText(answer) ? answer : undefined;
    } catch {
      // The server ends, or is another one that does not know the request.
      return undefined;
    }
  }
}

/** Whether programs may be compiled, which clang does with what the folder says; tells if not. */
function mayCompile(): boolean {
  if (!vscode.workspace.isTrusted) {
    const message = "bpf-analyzer: programs are compiled, verified and run in trusted folders only.";
    void vscode.window.showWarningMessage(message, "Manage Workspace Trust").then((chosen) => {
      if (chosen !== undefined) {
        return vscode.commands.executeCommand("workbench.trust.manage");
      }
      return undefined;
    });
  }
  return vscode.workspace.isTrusted;
}

/** Puts the cursor into a line of a file, counted from 1, in the editor that shows it. */
async function reveal(uri: vscode.Uri, line: number): Promise<void> {
  const visible = vscode.window.visibleTextEditors.find(({ document }) => document.uri.toString() === uri.toString());
  const document = await vscode.workspace.openTextDocument(uri);
  const { range } = document.lineAt(Math.min(line, document.lineCount) - 1);
  const start = range.start.translate(0, document.lineAt(range.start.line).firstNonWhitespaceCharacterIndex);
  const viewColumn = visible?.viewColumn ?? vscode.ViewColumn.One;
  await vscode.window.showTextDocument(document, { viewColumn, selection: new vscode.Range(start, start) });
}

/** Whether a report is about the text that the editor has now: there may have been changes while it was made. */
function isOfCurrentText({ uri, version }: Report): boolean {
  const document = vscode.workspace.textDocuments.find((open) => open.uri.toString() === normal(uri));
  return document === undefined || typeof version !== "number" || document.version === version;
}

/** An address as the editor writes it. */
function normal(uri: string): string {
  return vscode.Uri.parse(uri).toString();
}
