// The settings of the extension. Values of the wrong kind are named and replaced by the default, so that a
// slip in one of them never stops the rest. Pure: values come through a function.

/** Everything below `bpf-analyzer` in the settings. */
export interface Settings {
  readonly enable: boolean;
  readonly run: "onType" | "onSave";
  readonly checkScope: "openFiles" | "workspace";
  readonly server: {
    readonly path: string;
    readonly extraArgs: readonly string[];
    readonly extraEnv: Readonly<Record<string, string>>;
  };
  readonly trace: "off" | "messages" | "verbose";
  /** The part the server asks for, with the names of `bpf-analyzer.toml`. */
  readonly forServer: Readonly<Record<string, unknown>>;
}

/** Settings, and a sentence for each that could not be used. */
export interface Read {
  readonly settings: Settings;
  readonly complaints: readonly string[];
}

/** Names of settings that are used only when a server starts. */
export const NEEDS_RESTART = ["enable", "run", "checkScope", "server"] as const;

const SEVERITIES: readonly string[] = ["error", "warning", "info", "off"];

type Check<T> = (value: unknown) => value is T;

const isString: Check<string> = (value) => typeof value === "string";
const isBoolean: Check<boolean> = (value) => typeof value === "boolean";
const isStrings: Check<string[]> = (value): value is string[] =>
  Array.isArray(value) && value.every(isString);
const isKernel: Check<string> = (value): value is string =>
  isString(value) && /^(\d+\.\d+)?$/.test(value);

function isRecordOf<T>(check: Check<T>): Check<Record<string, T>> {
  return (value): value is Record<string, T> =>
    typeof value === "object" &&
    value !== null &&
    !Array.isArray(value) &&
    Object.values(value).every(check);
}

function isOneOf<T extends string>(...names: readonly T[]): Check<T> {
  return (value): value is T => names.some((name) => name === value);
}

/** Reads the settings; `get` gives the value of a name such as `server.path`. */
export function read(get: (name: string) => unknown): Read {
  const complaints: string[] = [];
  const take = <T>(name: string, check: Check<T>, fallback: T, expected: string): T => {
    const value = get(name);
    if (value === undefined || value === null) {
      return fallback;
    }
    if (check(value)) {
      return value;
    }
    complaints.push(`bpf-analyzer.${name} must be ${expected}, not ${shown(value)}.`);
    return fallback;
  };
  const flag = (name: string): boolean => take(name, isBoolean, true, "true or false");
  const names = (name: string): string[] => take(name, isStrings, [], "a list of texts");
  const strings = isRecordOf(isString);
  const severities = isRecordOf(isOneOf(...SEVERITIES));

  const forServer = {
    kernel: take("kernel", isKernel, "", 'a kernel version such as "6.12"'),
    select: names("select"),
    ignore: names("ignore"),
    severity: take("severity", severities, {}, `an object of ${SEVERITIES.join(", ")}`),
    perFileIgnores: take("perFileIgnores", isRecordOf(isStrings), {}, "an object of lists of texts"),
    include: names("include"),
    exclude: names("exclude"),
    headerPaths: names("headerPaths"),
    compileCommands: take("compileCommands", isString, "", "a path"),
    baseline: take("baseline", isString, "", "a path"),
    clang: take("clang", isString, "", "a name or a path"),
    inlayHints: { programTypes: flag("inlayHints.programTypes"), slices: flag("inlayHints.slices") },
    codeLens: { enable: flag("codeLens.enable") },
    verify: { onSave: flag("verify.onSave"), btf: take("verify.btf", isString, "", "a path") },
  };
  const settings: Settings = {
    enable: flag("enable"),
    run: take("run", isOneOf("onType", "onSave"), "onType", '"onType" or "onSave"'),
    checkScope: take(
      "checkScope",
      isOneOf("openFiles", "workspace"),
      "openFiles",
      '"openFiles" or "workspace"',
    ),
    server: {
      path: take("server.path", isString, "", "a path"),
      extraArgs: names("server.extraArgs"),
      extraEnv: take("server.extraEnv", strings, {}, "an object of texts"),
    },
    trace: take(
      "trace.server",
      isOneOf("off", "messages", "verbose"),
      "off",
      '"off", "messages" or "verbose"',
    ),
    forServer: withoutUnset(forServer),
  };
  return { settings, complaints };
}

/** What is empty is not set: the configuration file counts then. */
function withoutUnset(values: Record<string, unknown>): Record<string, unknown> {
  const isSet = (value: unknown): boolean =>
    value !== "" && !(typeof value === "object" && value !== null && Object.keys(value).length === 0);
  return Object.fromEntries(Object.entries(values).filter(([, value]) => isSet(value)));
}

function shown(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length > 40 ? `${text.slice(0, 40)}…` : text;
}
