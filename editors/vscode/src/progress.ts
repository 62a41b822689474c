// Requests that take a while: progress with a button that cancels it.
import { randomUUID } from "node:crypto";
import * as vscode from "vscode";
import {
  ExecuteCommandRequest,
  WorkDoneProgress,
  WorkDoneProgressCancelNotification,
  type LanguageClient,
} from "vscode-languageclient/node";

/** What is over sooner shows no progress. */
const SHOWN_AFTER_MS = 500;

/** Shows the progress that the server makes with a token. */
export type Shown = vscode.Progress<{ message?: string; increment?: number }>;

/**
 * Calls `work` with a token for its progress, which goes to `progress`. The server is told when `cancel` says so;
 * what the work gives then is undefined.
 */
export async function following<T>(
  client: LanguageClient,
  progress: Shown,
  cancel: vscode.CancellationToken,
  work: (workDoneToken: string) => Promise<T>,
): Promise<T | undefined> {
  const workDoneToken = randomUUID();
  let done = 0;
  const reports = client.onProgress(WorkDoneProgress.type, workDoneToken, (value) => {
    if (value.kind === "report") {
      const percentage = value.percentage ?? done;
      progress.report({ message: value.message ?? "", increment: percentage - done });
      done = percentage;
    }
  });
  const cancelled = cancel.onCancellationRequested(() => {
    void client.sendNotification(WorkDoneProgressCancelNotification.type, { token: workDoneToken });
  });
  try {
    const result = await work(workDoneToken);
    return cancel.isCancellationRequested ? undefined : result;
  } catch (error) {
    if (cancel.isCancellationRequested) {
      return undefined;
    }
    throw error;
  } finally {
    reports.dispose();
    cancelled.dispose();
  }
}

/** Has the server do a command; its answer, or undefined if it was cancelled. */
export async function executeWithProgress(
  client: LanguageClient,
  title: string,
  command: string,
  args: readonly unknown[],
): Promise<unknown> {
  const cancel = new vscode.CancellationTokenSource();
  let show: Shown | undefined;
  let over = false;
  const late: Shown = { report: (value) => show?.report(value) };
  const answer = following(client, late, cancel.token, (workDoneToken) =>
    client.sendRequest(
      ExecuteCommandRequest.type,
      { command, arguments: [...args], workDoneToken },
      cancel.token,
    ),
  ).finally(() => {
    over = true;
  });
  const timer = setTimeout(() => {
    const options = { location: vscode.ProgressLocation.Notification, title, cancellable: true };
    void vscode.window.withProgress(options, (progress, pressed) => {
      show = progress;
      pressed.onCancellationRequested(() => {
        cancel.cancel();
      });
      return over ? Promise.resolve() : answer.then(() => undefined, () => undefined);
    });
  }, SHOWN_AFTER_MS);
  try {
    return await answer;
  } finally {
    clearTimeout(timer);
    cancel.dispose();
  }
}
