// The command that checks all BPF C of the workspace.
import * as vscode from "vscode";
import {
  DocumentDiagnosticReportKind,
  WorkspaceDiagnosticRequest,
  type LanguageClient,
} from "vscode-languageclient/node";

import { SECTION } from "./client";
import { following, type Shown } from "./progress";
import type { Session } from "./session";

/** How many files were looked at, and how many findings the workspace has. */
export interface Checked {
  readonly files: number;
  readonly findings: number;
}

/** Checks the workspace with progress, and shows the Problems view; undefined if that did not happen. */
export async function checkWorkspace(session: Session): Promise<Checked | undefined> {
  if ((vscode.workspace.workspaceFolders ?? []).length === 0) {
    void vscode.window.showInformationMessage("bpf-analyzer: open a folder to check it.");
    return undefined;
  }
  await session.start();
  const { client } = session;
  if (client === undefined) {
    return undefined;
  }
  const options = {
    location: vscode.ProgressLocation.Notification,
    title: "Checking BPF C",
    cancellable: true,
  };
  const checked = await vscode.window.withProgress(options, (progress, cancel) =>
    session.activity.during(() => check(session, client, progress, cancel)),
  );
  if (checked !== undefined) {
    const message = summary(checked);
    session.output.info(message);
    vscode.window.setStatusBarMessage(`$(checklist) ${message}`, 10_000);
    if (checked.findings > 0) {
      await vscode.commands.executeCommand("workbench.actions.view.problems");
    }
  }
  return checked;
}

function summary({ files, findings }: Checked): string {
  const counted = (count: number, one: string): string => `${count} ${one}${count === 1 ? "" : "s"}`;
  return `checked ${counted(files, "file")} of BPF C: ${counted(findings, "finding")}`;
}

async function check(
  session: Session,
  client: LanguageClient,
  progress: Shown,
  cancel: vscode.CancellationToken,
): Promise<Checked | undefined> {
  const report = await following(client, progress, cancel, (workDoneToken) => {
    const params = { identifier: SECTION, previousResultIds: [], workDoneToken };
    return client.sendRequest(WorkspaceDiagnosticRequest.type, params, cancel);
  });
  if (report === undefined) {
    return undefined;
  }
  const converter = client.protocol2CodeConverter;
  const findings: [vscode.Uri, vscode.Diagnostic[]][] = [];
  for (const item of report.items) {
    if (item.kind === DocumentDiagnosticReportKind.Full) {
      findings.push([converter.asUri(item.uri), await converter.asDiagnostics(item.items)]);
    }
  }
  return count(session, findings);
}

/** Keeps the findings, unless the client shows those of the whole workspace itself. */
function count(session: Session, findings: readonly [vscode.Uri, vscode.Diagnostic[]][]): Checked {
  if (session.showsOnlyOpenFiles) {
    session.closedFiles.replace(findings);
  }
  const all = new Map([...findings, ...session.closedFiles.openFiles()].map(([uri, found]) => [uri.toString(), found]));
  const counts = [...all.values()].map((found) => found.length);
  return { files: all.size, findings: counts.reduce((sum, count) => sum + count, 0) };
}
