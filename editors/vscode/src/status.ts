// What the item in the status bar says. Pure.
import { originName, type Server } from "./locate";

/** The state of the extension. */
export type State =
  | { readonly kind: "disabled" }
  | { readonly kind: "starting" }
  | { readonly kind: "ready"; readonly server: Server }
  | { readonly kind: "stopped" }
  | { readonly kind: "failed"; readonly message: string };

/** How the item looks. */
export interface Presentation {
  readonly text: string;
  /** Lines of Markdown. */
  readonly tooltip: readonly string[];
  /** Drawn as an error. */
  readonly failed: boolean;
}

/** The item for a state; `working` while something is being checked. */
export function present(state: State, working: boolean): Presentation {
  switch (state.kind) {
    case "disabled":
      return plain("$(circle-slash) BPF", ["Off: the setting `bpf-analyzer.enable`."]);
    case "starting":
      return plain("$(sync~spin) BPF", ["The server is starting."]);
    case "stopped":
      return plain("$(debug-pause) BPF", ["The server is stopped."]);
    case "failed":
      return { text: "$(error) BPF", tooltip: title([state.message]), failed: true };
    case "ready": {
      const { version, origin, path } = state.server;
      const icon = working ? "$(sync~spin)" : "$(check)";
      const doing = working ? "Checking." : "Ready.";
      return plain(`${icon} BPF`, [doing, `Server ${version}, ${originName(origin)}:`, `\`${path}\``]);
    }
  }
}

function plain(text: string, tooltip: readonly string[]): Presentation {
  return { text, tooltip: title(tooltip), failed: false };
}

function title(lines: readonly string[]): string[] {
  return ["**bpf-analyzer**", ...lines];
}
