// The item in the status bar and the menu behind it.
import * as vscode from "vscode";

import type { Session } from "./session";
import { present } from "./status";

/** Shows the state of the session. */
export function createStatusItem(session: Session): vscode.Disposable {
  const item = vscode.window.createStatusBarItem("bpf-analyzer", vscode.StatusBarAlignment.Left, 0);
  item.name = "bpf-analyzer";
  item.command = "bpf-analyzer.showMenu";
  let working = false;
  const draw = (): void => {
    const { text, tooltip, failed } = present(session.state, working);
    item.text = text;
    item.tooltip = new vscode.MarkdownString(tooltip.join("\n\n"));
    item.accessibilityInformation = { label: `bpf-analyzer: ${tooltip.slice(1).join(" ")}`, role: "button" };
    item.backgroundColor = failed ? new vscode.ThemeColor("statusBarItem.errorBackground") : undefined;
  };
  draw();
  item.show();
  return vscode.Disposable.from(
    item,
    session.onDidChangeState(draw),
    session.activity.onDidChange((active) => {
      working = active;
      draw();
    }),
  );
}

/** Offers the commands that make sense in the state of the session. */
export async function showMenu(session: Session): Promise<void> {
  const runs = session.client !== undefined;
  const entries = [
    { label: "$(checklist) Check Workspace", command: "bpf-analyzer.checkWorkspace", shown: runs },
    { label: "$(book) Explain Rule…", command: "bpf-analyzer.explainRule", shown: runs },
    { label: "$(output) Show Output", command: "bpf-analyzer.showOutput", shown: true },
    {
      label: runs ? "$(refresh) Restart Server" : "$(play) Start Server",
      command: "bpf-analyzer.restartServer",
      shown: true,
    },
    { label: "$(debug-stop) Stop Server", command: "bpf-analyzer.stopServer", shown: runs },
    { label: "$(info) Show Server Version", command: "bpf-analyzer.showVersion", shown: true },
    { label: "$(gear) Open Settings", command: "bpf-analyzer.openSettings", shown: true },
  ];
  const items = entries.filter(({ shown }) => shown);
  const chosen = await vscode.window.showQuickPick(items, { title: "bpf-analyzer" });
  if (chosen !== undefined) {
    await vscode.commands.executeCommand(chosen.command);
  }
}
