// As much of the editor's API as the tests of small parts need.

export enum LogLevel {
  Off = 0,
  Trace = 1,
  Info = 3,
}

export enum ViewColumn {
  Beside = -2,
  One = 1,
}

export class EventEmitter<T> {
  private readonly listeners: ((value: T) => void)[] = [];

  readonly event = (listener: (value: T) => void): void => {
    this.listeners.push(listener);
  };

  fire(value: T): void {
    this.listeners.forEach((listener) => {
      listener(value);
    });
  }

  dispose(): void {
    this.listeners.length = 0;
  }
}

/** A piece of text. */
export class Range {
  constructor(
    readonly start: unknown,
    readonly end: unknown,
  ) {}
}

/** An address, as it is written. */
export const Uri = { parse: (text: string): string => decodeURIComponent(text) };

/** A page beside the text, which remembers what was done with it. */
export class FakePanel {
  private readonly closed = new EventEmitter<void>();
  private readonly messages = new EventEmitter<unknown>();
  disposed = false;
  readonly sent: unknown[] = [];
  readonly webview = {
    html: "",
    options: {},
    onDidReceiveMessage: this.messages.event,
    postMessage: (message: unknown): Promise<boolean> => {
      this.sent.push(message);
      return Promise.resolve(true);
    },
  };
  readonly onDidDispose = this.closed.event;

  viewColumn = 2;

  constructor(public title = "") {}

  /** What the page's script would send. */
  says(message: unknown): void {
    this.messages.fire(message);
  }

  reveal(column?: number): void {
    this.sent.push({ revealed: column });
  }

  dispose(): void {
    this.disposed = true;
    this.closed.fire();
  }
}

/** The pages that were opened, and what opens those of the session before. */
export const panels: FakePanel[] = [];
export const serializers: { deserializeWebviewPanel(panel: FakePanel, state: unknown): Promise<void> }[] = [];

/** The folder, and what is open in it. */
export const workspace = { isTrusted: true, textDocuments: [] as { uri: string; version: number }[] };

/** What was written to output channels, and shown to the user. */
export const written: string[] = [];

export const commands = {
  executeCommand: (command: string): Promise<undefined> => {
    written.push(`command ${command}`);
    return Promise.resolve(undefined);
  },
};

export const window = {
  activeTextEditor: undefined as { viewColumn: number } | undefined,
  createOutputChannel: (name: string): object => ({
    name,
    logLevel: LogLevel.Info,
    info: (message: string) => written.push(`info ${message}`),
    error: (message: string) => written.push(`error ${message}`),
    show: () => written.push("shown"),
    dispose: () => written.push("disposed"),
  }),
  createWebviewPanel: (_view: string, title: string): FakePanel => {
    const panel = new FakePanel(title);
    panels.push(panel);
    return panel;
  },
  registerWebviewPanelSerializer: (_view: string, serializer: (typeof serializers)[number]): object => {
    serializers.push(serializer);
    return { dispose: () => written.push("disposed") };
  },
  showWarningMessage: (message: string): Promise<undefined> => {
    written.push(`warning ${message}`);
    return Promise.resolve(undefined);
  },
};
