// Runs named checks one after the other and remembers how they went.
import { say } from "../lib/host.mjs";

/** A list of checks; a failed one does not stop the others. */
export class Checks {
  results = [];

  /** Runs a check of a part of the test; `picture` is taken if it fails. */
  async run(part, name, work, picture = async () => {}) {
    const start = Date.now();
    let error;
    try {
      await work();
    } catch (thrown) {
      error = thrown instanceof Error ? thrown.message : String(thrown);
      await picture(`failed-${name.replace(/\W+/g, "-")}`).catch(() => {});
    }
    const seconds = (Date.now() - start) / 1000;
    this.results.push({ part, name, ok: error === undefined, seconds, ...(error === undefined ? {} : { error }) });
    say(`  ${error === undefined ? "ok" : "FAILED"}: ${name} (${seconds.toFixed(1)} s)`);
    if (error !== undefined) {
      say(error.split("\n").slice(0, 12).map((line) => `    ${line}`).join("\n"));
    }
  }

  get failed() {
    return this.results.filter(({ ok }) => !ok).length;
  }
}
