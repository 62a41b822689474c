// As much of the editor's API as the tests of small parts need.

export enum LogLevel {
  Off = 0,
  Trace = 1,
  Info = 3,
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

/** What was written to output channels. */
export const written: string[] = [];

export const window = {
  createOutputChannel: (name: string): object => ({
    name,
    logLevel: LogLevel.Info,
    info: (message: string) => written.push(`info ${message}`),
    error: (message: string) => written.push(`error ${message}`),
    show: () => written.push("shown"),
    dispose: () => written.push("disposed"),
  }),
};
