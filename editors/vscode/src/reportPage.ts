// The page of a report. What the server says stands in it as it came; nothing can be loaded, and only the script
// and the style of the page itself count. Pure.
import style from "./report.css";
import script from "./report.webview.js";
import { type Report, type Subject } from "./report";

/** What the page shows: a report, or that there is none for the text as it is now. */
export interface Shown {
  readonly subject: Subject;
  readonly report: Report | undefined;
}

/** What the page's buttons and lines say to the extension. */
export type FromPage = { readonly type: "ready" | "again" } | { readonly type: "line"; readonly line: number };

/** What the extension says to the page. */
export interface ToPage {
  readonly type: "state";
  /** A sentence that says why the report does not count; empty if it does. */
  readonly outdated: string;
}

const DOING = { verify: "Verify", run: "Run", layouts: "Run on all packet layouts" } as const;

const AGAIN = { verify: "Verify again", run: "Run again", layouts: "Run layouts again" } as const;

/** The title of the page's tab. */
export function tabTitle({ program, kind }: Subject): string {
  return `${DOING[kind]}: ${program}`;
}

/** The page; `nonce` is never used twice. */
export function page({ subject, report }: Shown, nonce: string): string {
  const allowed = `'nonce-${nonce}'`;
  const policy = `default-src 'none'; style-src ${allowed}; script-src ${allowed}; base-uri 'none'; form-action 'none'`;
  const state = escape(JSON.stringify({ uri: subject.uri, program: subject.program, kind: subject.kind }));
  // The server's section has a heading of its own.
  const section = report?.html ?? `<section><h2>${escape(tabTitle(subject))}</h2></section>`;
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="UTF-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escape(report?.title ?? tabTitle(subject))}</title>
<style nonce="${nonce}">${style}</style>
</head>
<body data-state="${state}">
<main>
<h1>${escape(fileName(subject.uri))}</h1>
<div class="outdated" hidden><p role="status"></p><button type="button">${AGAIN[subject.kind]}</button></div>
${section}
</main>
<script nonce="${nonce}">${script}</script>
</body>
</html>
`;
}

/** What a page has sent, if it is understood. */
export function fromPage(message: unknown): FromPage | undefined {
  const { type, line } = (message ?? {}) as Partial<Record<string, unknown>>;
  if (type === "ready" || type === "again") {
    return { type };
  }
  return type === "line" && typeof line === "number" && Number.isSafeInteger(line) && line > 0
    ? { type, line }
    : undefined;
}

function fileName(uri: string): string {
  const name = uri.slice(uri.lastIndexOf("/") + 1);
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

function escape(text: string): string {
  const names: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
  return text.replace(/[&<>"]/g, (character) => names[character] ?? character);
}
