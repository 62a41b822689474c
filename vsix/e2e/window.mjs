// What the tests ask of a window, in the words of the tests.
import { until } from "./link.mjs";

/** How long an analysis may take on a busy machine, in milliseconds. */
export const PATIENCE = 60_000;

/** The window of an editor. */
export class Window {
  constructor(editor, folder) {
    this.editor = editor;
    this.page = editor.page;
    this.ask = editor.ask;
    this.folder = folder;
  }

  path(name) {
    return `${this.folder}/${name}`;
  }

  /** The state of the extension; that it is inactive before the editor has activated it. */
  state() {
    return this.ask((vscode) => {
      const extension = vscode.extensions.getExtension("bpf-analyzer.bpf-analyzer");
      return extension.isActive ? extension.exports.state() : { kind: "inactive" };
    });
  }

  /** The process of the server; null if none runs. */
  processId() {
    return this.ask((vscode) => vscode.extensions.getExtension("bpf-analyzer.bpf-analyzer").exports.processId());
  }

  /** Waits for a state; the state. */
  reaches(kind) {
    return until(`state ${kind}`, async () => {
      const state = await this.state();
      return state.kind === kind && state;
    }, PATIENCE);
  }

  run(command, ...args) {
    const call = (vscode, [name, rest]) => {
      // Results of built-in commands cannot always be sent back.
      return vscode.commands.executeCommand(name, ...rest).then(() => true);
    };
    return this.ask(call, [command, args], PATIENCE);
  }

  /** Opens a file in the editor. */
  open(name) {
    const show = async (vscode, path) => {
      await vscode.window.showTextDocument(vscode.Uri.file(path), { preview: false });
      return true;
    };
    return this.ask(show, this.path(name), PATIENCE);
  }

  /** The findings of a file, wherever they come from. */
  findings(name) {
    const list = (vscode, path) =>
      vscode.languages.getDiagnostics(vscode.Uri.file(path)).map((diagnostic) => ({
        rule: diagnostic.code?.value ?? diagnostic.code,
        target: diagnostic.code?.target?.toString() ?? null,
        source: diagnostic.source,
        severity: vscode.DiagnosticSeverity[diagnostic.severity],
        line: diagnostic.range.start.line + 1,
        message: diagnostic.message,
        related: (diagnostic.relatedInformation ?? []).map((other) => ({
          message: other.message,
          line: other.location.range.start.line + 1,
        })),
      }));
    return this.ask(list, this.path(name));
  }

  /** Waits until a file has findings of exactly these rules; the findings. */
  async finds(name, rules) {
    let seen = [];
    const wanted = JSON.stringify([...rules].sort());
    const same = async () => {
      seen = await this.findings(name);
      return JSON.stringify(seen.map(({ rule }) => rule).sort()) === wanted && seen;
    };
    try {
      return await until("", same, PATIENCE);
    } catch {
      throw new Error(`${name}: expected ${wanted}, found ${JSON.stringify(seen.map(({ rule }) => rule))}`);
    }
  }

  /** Changes a setting of the user; null takes it back. */
  set(name, value) {
    const update = (vscode, [key, wanted]) => {
      const section = vscode.workspace.getConfiguration("bpf-analyzer");
      return section.update(key, wanted ?? undefined, vscode.ConfigurationTarget.Global).then(() => true);
    };
    return this.ask(update, [name, value], PATIENCE);
  }

  /** The text of a file as the editor has it. */
  text(name) {
    const read = async (vscode, path) => (await vscode.workspace.openTextDocument(vscode.Uri.file(path))).getText();
    return this.ask(read, this.path(name));
  }

  /** Waits for an element of the page with a text in it. */
  shows(selector, text, limit = PATIENCE) {
    const found = this.page.locator(selector).filter({ hasText: text }).first();
    return found.waitFor({ state: "visible", timeout: limit }).then(() => found);
  }

  /** Takes notifications from the screen. */
  async clear() {
    await this.run("notifications.clearAll");
    await this.page.keyboard.press("Escape");
  }
}
