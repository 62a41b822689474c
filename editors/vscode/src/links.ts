// Addresses of the pages of rules. Pure.

/** The scheme of pages, which the server's links have; the manifest says that they open as previews. */
export const SCHEME = "bpf-analyzer";

/** The command that shows the page of a rule. */
export const EXPLAIN_RULE = "bpf-analyzer.explainRule";

/** The path of a rule's page below the scheme. */
export function pagePath(rule: string): string {
  return `/rules/${rule}.md`;
}

/** The rule whose page has this path; undefined if it is none. */
export function ruleOf(path: string): string | undefined {
  return /^\/rules\/([a-z0-9-]+)\.md$/.exec(path)?.[1];
}

/** A rule as `bpf-analyzer rules --format json` lists it. */
export interface Rule {
  readonly name: string;
  readonly group: string;
  readonly severity: string;
  readonly summary: string;
}

/** Reads the list of rules; what is not one is left out. */
export function readRules(json: string): Rule[] {
  const document: unknown = JSON.parse(json);
  const listed = (document as { rules?: unknown } | null)?.rules;
  return Array.isArray(listed) ? listed.filter(isRule) : [];
}

function isRule(value: unknown): value is Rule {
  const rule = value as Partial<Record<keyof Rule, unknown>> | null;
  return (
    typeof rule?.name === "string" &&
    typeof rule.group === "string" &&
    typeof rule.severity === "string" &&
    typeof rule.summary === "string"
  );
}

/** The rules, those in `first` in front. */
export function ordered(rules: readonly Rule[], first: ReadonlySet<string>): Rule[] {
  const place = (rule: Rule): number => (first.has(rule.name) ? 0 : 1);
  return [...rules].sort((a, b) => place(a) - place(b) || a.name.localeCompare(b.name));
}
