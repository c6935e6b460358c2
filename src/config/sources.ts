import { readFileSync } from "node:fs";
import { withoutPasswords } from "../base/secrets.ts";
import { type ConfigFile, type Path, parseConfigFile } from "./file.ts";
import type { Problem } from "./problems.ts";
import { isUnknownVariable, otherVariables, type Setting, settings } from "./settings.ts";
import { suggestion } from "./suggest.ts";

/** Everything that a configuration is made from. Nothing else is looked at. */
export interface ConfigInputs {
  /** Flag names without dashes, and their texts; `config` names the file. */
  readonly flags?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Reads a file as UTF-8. Default: the machine's files. */
  readonly readFile?: (path: string) => string;
}

/** What was said, by rising precedence: the file, the environment, the flags; not yet checked. */
export interface Said {
  readonly content: Readonly<Record<string, unknown>>;
  readonly problems: readonly Problem[];
  /** Who said the value at a place: a file and line, a variable, a flag; undefined when nobody did. */
  sourceOf(path: Path): string | undefined;
}

interface Text {
  readonly source: string;
  readonly setting: Setting;
  readonly text: string;
}

const emptyFile: ConfigFile = {
  content: {},
  problems: [],
  lineOf: () => undefined,
};

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function readConfigFile(inputs: ConfigInputs, path: string | undefined, problems: Problem[]): ConfigFile {
  if (path === undefined) return emptyFile;
  const read = inputs.readFile ?? ((name: string) => readFileSync(name, "utf8"));
  try {
    const file = parseConfigFile(read(path));
    problems.push(
      ...file.problems.map(({ line, message }) => ({
        key: "",
        source: `${path}:${line}`,
        message,
      })),
    );
    return file;
  } catch (error) {
    const source = inputs.flags?.config === undefined ? otherVariables.config : "--config";
    problems.push({
      key: "",
      source,
      message: `cannot read the configuration file: ${messageOf(error)}`,
    });
    return emptyFile;
  }
}

/** A variable that is set to nothing counts as not set. */
function variables(env: ConfigInputs["env"] = {}, problems: Problem[]): Text[] {
  for (const name of Object.keys(env).filter(isUnknownVariable)) {
    const known = [...settings.map((setting) => setting.env), ...Object.values(otherVariables)];
    problems.push({
      key: "",
      source: name,
      message: `is not a variable of opgrid${suggestion(name, known)}`,
    });
  }
  return settings.flatMap((setting) => {
    const text = env[setting.env];
    return text ? [{ source: setting.env, setting, text }] : [];
  });
}

function givenFlags(flags: ConfigInputs["flags"] = {}, problems: Problem[]): Text[] {
  return Object.entries(flags).flatMap(([name, text]) => {
    const setting = settings.find(({ flag }) => flag === name);
    if (setting) return [{ source: `--${name}`, setting, text }];
    if (name !== "config") {
      const known = settings.map(({ flag }) => `--${flag}`);
      const message = `is not a flag${suggestion(`--${name}`, [...known, "--config", "--print-config", "--help"])}`;
      problems.push({ key: "", source: `--${name}`, message });
    }
    return [];
  });
}

/** Sets a value, unless something that is no section stands in the way: that is a problem of its own. */
function put(root: Record<string, unknown>, path: readonly string[], value: unknown): void {
  let node = root;
  for (const name of path.slice(0, -1)) {
    const child: unknown = Object.hasOwn(node, name) ? node[name] : {};
    if (typeof child !== "object" || child === null || Array.isArray(child)) return;
    const copy: Record<string, unknown> = { ...child };
    node[name] = copy;
    node = copy;
  }
  const last = path.at(-1);
  if (last !== undefined) node[last] = value;
}

/** Collects what file, environment and flags say. Unknown variables and flags, and what cannot be read, are problems. */
export function gather(inputs: ConfigInputs): Said {
  const problems: Problem[] = [];
  const path = inputs.flags?.config ?? (inputs.env?.[otherVariables.config] || undefined);
  const file = readConfigFile(inputs, path, problems);
  const content: Record<string, unknown> = { ...file.content };
  const sources = new Map<string, string>();
  for (const { source, setting, text } of [...variables(inputs.env, problems), ...givenFlags(inputs.flags, problems)]) {
    try {
      put(content, setting.path, setting.fromText(text));
      sources.set(setting.key, source);
    } catch (error) {
      problems.push({
        key: setting.key,
        source,
        message: `cannot be read: ${withoutPasswords(messageOf(error))}`,
      });
    }
  }
  const sourceOf = (place: Path): string | undefined => {
    for (let length = place.length; length > 0; length--) {
      const source = sources.get(place.slice(0, length).join("."));
      if (source !== undefined) return source;
    }
    const line = file.lineOf(place);
    return line === undefined ? undefined : `${path}:${line}`;
  };
  return { content, problems, sourceOf };
}
