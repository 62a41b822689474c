// The life of the server: started, stopped and started again, one after the other.
import { homedir } from "node:os";
import * as vscode from "vscode";
import { CloseAction, ErrorAction, State as ClientState, type LanguageClient } from "vscode-languageclient/node";

import { Activity } from "./activity";
import { createClient, currentSettings, SECTION } from "./client";
import { ClosedFiles } from "./closedFiles";
import { locate, originName, type Failure, type Server } from "./locate";
import { probe } from "./probe";
import { executeWithProgress } from "./progress";
import { LAST_REPORT, Reports } from "./reports";
import { CrashLimit } from "./restarts";
import { NEEDS_RESTART, read } from "./settings";
import type { State } from "./status";
import { TraceChannel } from "./trace";

const STOP_LIMIT_MS = 2000;
const RESTARTS = 4;
const RESTART_SPAN_MS = 3 * 60 * 1000;

/** A button of a notification. */
interface Button {
  readonly title: string;
  readonly command: string;
  readonly args: readonly unknown[];
}

const OPEN_SETTINGS: Button = {
  title: "Open Settings",
  command: "bpf-analyzer.openSettings",
  args: ["bpf-analyzer.server"],
};
const SHOW_OUTPUT: Button = { title: "Show Output", command: "bpf-analyzer.showOutput", args: [] };
const RESTART: Button = { title: "Restart Server", command: "bpf-analyzer.restartServer", args: [] };

/** The one server of a window. */
export class Session implements vscode.Disposable {
  readonly output = vscode.window.createOutputChannel(SECTION, { log: true });
  readonly trace = new TraceChannel();
  readonly activity = new Activity();
  readonly closedFiles = new ClosedFiles();
  readonly reports = new Reports({
    execute: (title, command, args) =>
      this.activity.during(() => this.client && executeWithProgress(this.client, title, command, args)),
    last: async (subject) => this.client?.sendRequest(LAST_REPORT, subject),
  });

  private readonly stateChanged = new vscode.EventEmitter<State>();
  readonly onDidChangeState = this.stateChanged.event;

  private current: State = { kind: "stopped" };
  private running: LanguageClient | undefined;
  private queue: Promise<void> = Promise.resolve();
  private readonly crashes = new CrashLimit(RESTARTS, RESTART_SPAN_MS);
  private readonly complaints = new Set<string>();

  constructor(private readonly context: vscode.ExtensionContext) {}

  get state(): State {
    return this.current;
  }

  /** The client, if the server runs. */
  get client(): LanguageClient | undefined {
    return this.running?.isRunning() === true ? this.running : undefined;
  }

  /** Whether findings of closed files are kept by the extension instead of the client. */
  get showsOnlyOpenFiles(): boolean {
    return currentSettings().checkScope === "openFiles";
  }

  /** The server program, whether it runs or not; undefined if there is none, which is said. */
  async server(): Promise<Server | undefined> {
    if (this.current.kind === "ready") {
      return this.current.server;
    }
    const located = await this.locate();
    if ("failure" in located) {
      this.explain(located.failure);
      return undefined;
    }
    return located.server;
  }

  /** Starts the server unless it runs or is switched off. */
  start(): Promise<void> {
    return this.enqueue(() => this.startNow());
  }

  /** Stops the server. */
  stop(): Promise<void> {
    return this.enqueue(() => this.stopNow());
  }

  /** Stops the server and starts it with the settings as they are now. */
  restart(): Promise<void> {
    return this.enqueue(async () => {
      await this.stopNow();
      this.crashes.reset();
      await this.startNow();
    });
  }

  /** Follows a change of settings. */
  async settingsChanged(event: vscode.ConfigurationChangeEvent): Promise<void> {
    if (!event.affectsConfiguration(SECTION)) {
      return;
    }
    this.checkSettings();
    if (NEEDS_RESTART.some((name) => event.affectsConfiguration(`${SECTION}.${name}`))) {
      await this.restart();
      return;
    }
    await this.client?.sendNotification("workspace/didChangeConfiguration", { settings: null });
  }

  dispose(): void {
    this.reports.dispose();
    this.closedFiles.dispose();
    this.activity.dispose();
    this.trace.dispose();
    this.stateChanged.dispose();
    this.output.dispose();
  }

  private enqueue(step: () => Promise<void>): Promise<void> {
    this.queue = this.queue.then(step).catch((error: unknown) => {
      this.fail(`Something went wrong. ${messageOf(error)}`);
    });
    return this.queue;
  }

  private async startNow(): Promise<void> {
    if (this.running !== undefined) {
      return;
    }
    this.checkSettings();
    const settings = currentSettings();
    if (!settings.enable) {
      this.become({ kind: "disabled" });
      return;
    }
    this.become({ kind: "starting" });
    const located = await this.locate();
    if ("failure" in located) {
      this.become({ kind: "failed", message: located.failure.message });
      this.explain(located.failure);
      return;
    }
    const { server } = located;
    this.output.info(`server ${server.version} ${originName(server.origin)}: ${server.path}`);
    const client = createClient({
      settings,
      server,
      output: this.output,
      trace: this.trace.forClient,
      activity: this.activity,
      closedFiles: this.closedFiles,
      reports: this.reports,
      errorHandler: {
        error: (_error, _message, count) => ({
          action: (count ?? 0) <= 3 ? ErrorAction.Continue : ErrorAction.Shutdown,
          handled: true,
        }),
        closed: () => this.crashed(),
      },
    });
    client.onDidChangeState(({ newState }) => {
      if (newState === ClientState.Running && this.running === client) {
        this.become({ kind: "ready", server });
      } else if (newState === ClientState.StartFailed && this.current.kind === "starting") {
        this.running = undefined;
        this.fail("The server did not start.");
      }
    });
    this.running = client;
    try {
      await client.start();
    } catch (error) {
      this.output.error(messageOf(error));
      if (this.current.kind === "starting") {
        this.running = undefined;
        this.fail(`The server did not start. ${messageOf(error)}`);
      }
    }
  }

  private async stopNow(): Promise<void> {
    const client = this.running;
    this.running = undefined;
    this.closedFiles.clear();
    if (client !== undefined) {
      const process = client.serverProcess;
      try {
        await client.dispose(STOP_LIMIT_MS);
      } catch (error) {
        this.output.warn(`the server did not stop by itself: ${messageOf(error)}`);
        process?.kill();
      }
    }
    this.become({ kind: "stopped" });
  }

  private crashed(): { action: CloseAction; handled: boolean; message: string } {
    this.closedFiles.clear();
    if (this.crashes.mayRestart()) {
      this.become({ kind: "starting" });
      const message = "The server ended unexpectedly and is started again.";
      return { action: CloseAction.Restart, handled: true, message };
    }
    const message = `The server crashed ${RESTARTS + 1} times in 3 minutes and is not started again.`;
    this.running = undefined;
    this.fail(message);
    return { action: CloseAction.DoNotRestart, handled: true, message };
  }

  private locate(): ReturnType<typeof locate> {
    const machine = {
      setting: currentSettings().server.path,
      extension: this.context.extensionPath,
      home: homedir(),
      searchPath: process.env["PATH"] ?? "",
      platform: process.platform,
    };
    return locate(machine, probe);
  }

  private explain(failure: Failure): void {
    failure.details.forEach((line) => {
      this.output.error(line);
    });
    this.show(failure.message, [OPEN_SETTINGS, SHOW_OUTPUT]);
  }

  private fail(message: string): void {
    this.become({ kind: "failed", message });
    this.output.error(message);
    this.show(message, [RESTART, SHOW_OUTPUT]);
  }

  private show(message: string, buttons: readonly Button[]): void {
    const text = `bpf-analyzer: ${message}`;
    void vscode.window.showErrorMessage(text, ...buttons.map(({ title }) => title)).then((chosen) => {
      const button = buttons.find(({ title }) => title === chosen);
      return button && vscode.commands.executeCommand(button.command, ...button.args);
    });
  }

  /** Says what is wrong with the settings, each mistake once. */
  private checkSettings(): void {
    const section = vscode.workspace.getConfiguration(SECTION);
    const { settings, complaints } = read((name) => section.get(name));
    this.trace.set(settings.trace);
    for (const complaint of complaints.filter((complaint) => !this.complaints.has(complaint))) {
      this.complaints.add(complaint);
      this.output.warn(complaint);
      void vscode.window.showWarningMessage(`bpf-analyzer: ${complaint}`, "Open Settings").then((chosen) => {
        if (chosen !== undefined) {
          return vscode.commands.executeCommand("bpf-analyzer.openSettings");
        }
        return undefined;
      });
    }
  }

  private become(state: State): void {
    this.current = state;
    if (state.kind !== "ready") {
      this.reports.serverEnded();
    }
    this.stateChanged.fire(state);
  }
}

/** What an error says. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
