// Reports of quick checks: what the server answers when a program of a file is verified or run. Pure.

/** What can be done with a program. */
export const KINDS = ["verify", "run", "layouts"] as const;

/** What was done with a program. */
export type Kind = (typeof KINDS)[number];

/** What a quick check is about. */
export interface Subject {
  readonly uri: string;
  readonly program: string;
  readonly kind: Kind;
}

/** What came of it. */
export interface Report extends Subject {
  /** The version of the text that was looked at, if the editor has it open. */
  readonly version?: number | null;
  readonly title: string;
  readonly summary: string;
  readonly text: string;
  /** A section for a page, without scripts and styles. */
  readonly html: string;
}

/** The server's command for a kind of check. */
export function commandOf(kind: Kind): string {
  return `bpf-analyzer.${kind}`;
}

/** The kind of check that a command of the server makes; undefined if it makes none. */
export function kindOf(command: string): Kind | undefined {
  return KINDS.find((kind) => commandOf(kind) === command);
}

/** What a command with these arguments is about; undefined if they are not understood. */
export function subjectOf(kind: Kind, args: readonly unknown[]): Subject | undefined {
  const { uri, program } = fields(args[0]);
  return typeof uri === "string" && typeof program === "string" ? { uri, program, kind } : undefined;
}

/** Whether this says what a check is about, such as the state that a page has left. */
export function isSubject(value: unknown): value is Subject {
  const { uri, program, kind } = fields(value);
  return typeof uri === "string" && typeof program === "string" && KINDS.some((known) => known === kind);
}

/** Whether this is a report. */
export function isReport(value: unknown): value is Report {
  const { version, title, summary, text, html } = fields(value);
  const texts = [title, summary, text, html];
  return (
    isSubject(value) &&
    texts.every((part) => typeof part === "string") &&
    (typeof version === "number" || version === undefined || version === null)
  );
}

/** Something of a file that has a name and goes from one line to another. */
export interface Extent {
  readonly name: string;
  readonly first: number;
  readonly last: number;
}

/** The program that a line belongs to, or the only one there is. */
export function programAt(programs: readonly Extent[], line: number): Extent | undefined {
  const around = programs.find(({ first, last }) => first <= line && line <= last);
  return around ?? (programs.length === 1 ? programs[0] : undefined);
}

function fields(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}
