// Whether something is being checked: what is over quickly is not shown.
import * as vscode from "vscode";

const SHOWN_AFTER_MS = 300;

/** Counts what is under way. */
export class Activity implements vscode.Disposable {
  private running = 0;
  private timer: NodeJS.Timeout | undefined;
  private shown = false;
  private readonly changed = new vscode.EventEmitter<boolean>();

  /** Fires with whether work is shown. */
  readonly onDidChange = this.changed.event;

  /** Counts `work` while it lasts. */
  async during<T>(work: () => PromiseLike<T> | T): Promise<T> {
    this.running += 1;
    this.timer ??= setTimeout(() => {
      this.show(true);
    }, SHOWN_AFTER_MS);
    try {
      return await work();
    } finally {
      this.running -= 1;
      if (this.running === 0) {
        clearTimeout(this.timer);
        this.timer = undefined;
        this.show(false);
      }
    }
  }

  dispose(): void {
    clearTimeout(this.timer);
    this.changed.dispose();
  }

  private show(shown: boolean): void {
    if (this.shown !== shown) {
      this.shown = shown;
      this.changed.fire(shown);
    }
  }
}
