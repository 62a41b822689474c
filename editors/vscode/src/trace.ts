// The channel that messages are traced to. The client traces as much as the channel's log level asks for;
// here the setting `bpf-analyzer.trace.server` is what asks.
import * as vscode from "vscode";

/** A log channel whose level follows the setting. */
export class TraceChannel implements vscode.Disposable {
  private readonly channel = vscode.window.createOutputChannel("bpf-analyzer trace", { log: true });
  private readonly changed = new vscode.EventEmitter<vscode.LogLevel>();
  private enabled = false;

  /** The channel as the client is to see it. */
  readonly forClient: vscode.LogOutputChannel = new Proxy(this.channel, {
    get: (channel, key) => {
      switch (key) {
        case "logLevel":
          return this.level();
        case "onDidChangeLogLevel":
          return this.changed.event;
        case "trace":
          // Shown whatever level the user has chosen for logs: the setting was asked for.
          return (message: string, ...values: unknown[]) => {
            channel.info(message, ...values);
          };
        default: {
          const value: unknown = Reflect.get(channel, key, channel);
          return typeof value === "function" ? (value.bind(channel) as unknown) : value;
        }
      }
    },
  });

  /** Follows the setting. */
  set(trace: "off" | "messages" | "verbose"): void {
    this.enabled = trace !== "off";
    this.changed.fire(this.level());
  }

  /** Opens the channel. */
  show(): void {
    this.channel.show();
  }

  dispose(): void {
    this.changed.dispose();
    this.channel.dispose();
  }

  private level(): vscode.LogLevel {
    return this.enabled ? vscode.LogLevel.Trace : vscode.LogLevel.Off;
  }
}
