// Where the extension begins and ends.
import * as vscode from "vscode";

import example from "../../../examples/forgotten_write_back.bpf.c";
import { SECTION } from "./client";
import { fixAll, showFindings } from "./findings";
import { originName } from "./locate";
import { checkAtCursor } from "./programs";
import { registerRulePages } from "./rulePages";
import { Session } from "./session";
import type { State } from "./status";
import { createStatusItem, showMenu } from "./statusItem";
import { checkWorkspace } from "./workspaceCheck";

/** What other extensions can ask. */
export interface Api {
  /** The state of the server. */
  state(): State;
  /** The server's process, if one runs. */
  processId(): number | undefined;
}

let session: Session | undefined;

/** Called by the editor when one of the activation events happens. */
export async function activate(context: vscode.ExtensionContext): Promise<Api> {
  const started = new Session(context);
  session = started;
  context.subscriptions.push(
    started,
    createStatusItem(started),
    vscode.workspace.onDidChangeConfiguration((event) => started.settingsChanged(event)),
    vscode.workspace.onDidGrantWorkspaceTrust(() => started.restart()),
    ...registerRulePages(started),
    ...registerCommands(started, context),
  );
  await started.start();
  return {
    state: () => started.state,
    processId: () => started.client?.serverProcess?.pid,
  };
}

/** Called by the editor before it ends. */
export async function deactivate(): Promise<void> {
  await session?.stop();
}

function registerCommands(session: Session, context: vscode.ExtensionContext): vscode.Disposable[] {
  const { executeCommand, registerCommand } = vscode.commands;
  const commands: Record<string, (...args: unknown[]) => unknown> = {
    checkWorkspace: () => checkWorkspace(session),
    fixAll,
    openExample: () => openExample(),
    openSettings: (query) =>
      executeCommand(
        "workbench.action.openSettings",
        typeof query === "string" ? query : `@ext:${context.extension.id}`,
      ),
    openWalkthrough: () =>
      executeCommand("workbench.action.openWalkthrough", `${context.extension.id}#start`, false),
    layoutsAtCursor: () => checkAtCursor(session, "layouts"),
    restartServer: () => session.restart(),
    runAtCursor: () => checkAtCursor(session, "run"),
    showFindings,
    showLastReport: () => {
      showLastReport(session);
    },
    showMenu: () => showMenu(session),
    showOutput: () => {
      session.output.show();
    },
    showTrace: () => {
      session.trace.show();
    },
    showVersion: () => showVersion(session),
    stopServer: () => session.stop(),
    verifyAtCursor: () => checkAtCursor(session, "verify"),
  };
  return Object.entries(commands).map(([name, run]) => registerCommand(`${SECTION}.${name}`, run));
}

async function openExample(): Promise<void> {
  const document = await vscode.workspace.openTextDocument({ language: "c", content: example });
  await vscode.window.showTextDocument(document);
}

function showLastReport(session: Session): void {
  if (!session.reports.showLast()) {
    void vscode.window.showInformationMessage("bpf-analyzer: no program has been verified or run yet.");
  }
}

async function showVersion(session: Session): Promise<void> {
  const server = await session.server();
  if (server !== undefined) {
    const { version, origin, path } = server;
    const message = `bpf-analyzer ${version}, ${originName(origin)}: ${path}`;
    void vscode.window.showInformationMessage(message);
  }
}
