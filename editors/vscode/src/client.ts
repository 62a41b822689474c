// The language client: which documents it serves, and what is changed on the way between server and editor.
import * as vscode from "vscode";
import {
  LanguageClient,
  type ErrorHandler,
  type LanguageClientOptions,
  type Middleware,
  type ServerCapabilities,
  type StaticFeature,
  vsdiag,
} from "vscode-languageclient/node";

import type { Activity } from "./activity";
import type { ClosedFiles } from "./closedFiles";
import type { Server } from "./locate";
import { kindOf } from "./report";
import { STALE, type Reports } from "./reports";
import { read, type Settings } from "./settings";

/** The section of the settings, and the name under which findings are shown. */
export const SECTION = "bpf-analyzer";

/** How the server's own progress tokens begin. */
const BACKGROUND = "bpf-analyzer/check/";

/** What the client needs. */
export interface Parts {
  readonly settings: Settings;
  readonly server: Server;
  readonly output: vscode.LogOutputChannel;
  readonly trace: vscode.LogOutputChannel;
  readonly activity: Activity;
  readonly closedFiles: ClosedFiles;
  readonly reports: Reports;
  readonly errorHandler: ErrorHandler;
}

/** C of any name, since the server looks inside for BPF, and headers, whose unsaved text counts. */
const DOCUMENTS = [
  { scheme: "file", language: "c" },
  { scheme: "file", pattern: "**/*.bpf.c" },
  { scheme: "file", pattern: "**/*.h" },
  { scheme: "untitled", language: "c" },
];

/** Makes a client, which is not started yet. */
export function createClient(parts: Parts): LanguageClient {
  const { settings, server, output, trace } = parts;
  const options: LanguageClientOptions = {
    documentSelector: DOCUMENTS,
    diagnosticCollectionName: SECTION,
    diagnosticPullOptions: { onChange: settings.run === "onType", onSave: true },
    outputChannel: output,
    traceOutputChannel: trace,
    initializationOptions: forServer(settings),
    errorHandler: parts.errorHandler,
    initializationFailedHandler: () => false,
    middleware: middleware(parts),
  };
  const executable = {
    command: server.path,
    args: ["lsp", ...settings.server.extraArgs],
    options: { env: { ...process.env, ...settings.server.extraEnv } },
  };
  const client = new LanguageClient(SECTION, SECTION, executable, options);
  client.registerFeature(new Curb(settings.checkScope === "workspace"));
  client.onNotification(STALE, ({ uri }: { uri?: unknown }) => {
    parts.reports.stale(uri);
  });
  return client;
}

/**
 * Takes from the server's capabilities what the extension does itself. Most commands belong to the extension, which
 * has them also while no server runs; a client that registered them too would fail. Quick checks are the server's.
 */
class Curb implements StaticFeature {
  constructor(private readonly wholeWorkspace: boolean) {}

  preInitialize(capabilities: ServerCapabilities): void {
    if (capabilities.executeCommandProvider !== undefined) {
      const { commands } = capabilities.executeCommandProvider;
      capabilities.executeCommandProvider.commands = commands.filter((command) => kindOf(command) !== undefined);
    }
    if (capabilities.diagnosticProvider !== undefined && !this.wholeWorkspace) {
      capabilities.diagnosticProvider.workspaceDiagnostics = false;
    }
  }

  fillClientCapabilities(): void {
    // Nothing to add.
  }

  initialize(): void {
    // Everything is done before.
  }

  getState(): ReturnType<StaticFeature["getState"]> {
    return { kind: "static" };
  }

  clear(): void {
    // There is no state.
  }
}

function middleware({ activity, closedFiles, reports }: Parts): Middleware {
  return {
    workspace: {
      configuration: (params) =>
        params.items.map((item) => (item.section === SECTION ? forServer(currentSettings()) : null)),
    },
    executeCommand: (command, args: readonly unknown[], next) => {
      const kind = kindOf(command);
      return kind === undefined ? (next(command, [...args]) as Promise<unknown>) : reports.execute(kind, args);
    },
    provideCodeLenses: async (document, token, next) => {
      const lenses = await next(document, token);
      // Lenses are asked for again when there are new results.
      void reports.refresh(document.uri);
      return lenses;
    },
    provideDiagnostics: async (document, previous, token, next) => {
      const report = await activity.during(() => next(document, previous, token));
      if (report?.kind === vsdiag.DocumentDiagnosticReportKind.full) {
        closedFiles.opened("uri" in document ? document.uri : document, report.items);
      }
      return report;
    },
    handleWorkDoneProgress: (token, params, next) => {
      // The server tells of checks that nobody asked for as well; the status item is enough for them.
      if (!String(token).startsWith(BACKGROUND) || params.kind === "end") {
        next(token, params);
      }
    },
  };
}

/** What the server gets to know: its settings, and whether it may compile what the folder has. */
function forServer(settings: Settings): Record<string, unknown> {
  return { ...settings.forServer, trusted: vscode.workspace.isTrusted };
}

/** The settings as they are now. */
export function currentSettings(): Settings {
  const section = vscode.workspace.getConfiguration(SECTION);
  return read((name) => section.get(name)).settings;
}
