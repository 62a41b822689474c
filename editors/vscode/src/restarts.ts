// How often a crashed server is started again.

/** Counts crashes in a sliding span of time. */
export class CrashLimit {
  private readonly crashes: number[] = [];

  /** At most `limit` restarts within `span` milliseconds; `now` is the clock. */
  constructor(
    private readonly limit: number,
    private readonly span: number,
    private readonly now: () => number = Date.now,
  ) {}

  /** Notes a crash; whether the server may be started again. */
  mayRestart(): boolean {
    const now = this.now();
    this.crashes.push(now);
    while (this.crashes[0] !== undefined && this.crashes[0] <= now - this.span) {
      this.crashes.shift();
    }
    return this.crashes.length <= this.limit;
  }

  /** Forgets the crashes, when somebody starts the server by hand. */
  reset(): void {
    this.crashes.length = 0;
  }
}
