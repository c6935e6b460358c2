import { constants } from "node:fs";
import { access, stat } from "node:fs/promises";
import { posix } from "node:path";
import type { Command } from "../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import { invalidField } from "../base/errors.ts";
import { systemErrorCode } from "./status.ts";

/** Where a bare command name is looked for when the action sets no PATH. */
export const DEFAULT_PATH = "/usr/local/bin:/usr/bin:/bin";

/** A command's words and variables, checked: none holds a NUL, no variable's name is empty or holds `=`. */
export interface CommandLine {
  readonly argv: readonly [string, ...string[]];
  /** Without a prototype, so that any name is an ordinary key. */
  readonly env: Readonly<Record<string, string>>;
}

/** Checks what a Command wants run; INVALID_ARGUMENT when an operating system could not take it. */
export function commandLineOf(command: Command): CommandLine {
  const [name, ...rest] = command.arguments;
  if (name === undefined || name === "") throw invalidField("arguments", "there is nothing to run");
  if (command.arguments.some((argument) => argument.includes("\0"))) {
    throw invalidField("arguments", "an argument holds a NUL");
  }
  const env: Record<string, string> = Object.create(null);
  for (const variable of command.environmentVariables) {
    if (variable.name === "" || /[=\0]/.test(variable.name) || variable.value.includes("\0")) {
      throw invalidField("environment_variables", `${JSON.stringify(variable.name)} cannot be set`);
    }
    env[variable.name] = variable.value;
  }
  return { argv: [name, ...rest], env };
}

/** The program to start, or why a shell would not start it: exit code 127 or 126 and its message. */
export type Program =
  | { readonly path: string }
  | { readonly path: undefined; readonly exitCode: number; readonly message: string };

/**
 * Finds the program as the Command specification of REAPI 2.3 says: a name with a slash is taken from the working
 * directory, a bare one from the action's own PATH.
 */
export async function findProgram({ argv, env }: CommandLine, workingDirectory: string): Promise<Program> {
  const name = argv[0];
  if (name.includes("/")) return judge(name, await probe(posix.resolve(workingDirectory, name)));
  let denied: Probe | undefined;
  for (const directory of (env.PATH ?? DEFAULT_PATH).split(":")) {
    const found = await probe(posix.resolve(workingDirectory, directory, name));
    if (found.kind === "program") return judge(name, found);
    if (found.kind === "denied") denied ??= found;
  }
  return judge(name, denied ?? { kind: "missing" });
}

type Probe = { kind: "program"; path: string } | { kind: "missing" } | { kind: "denied"; reason: string };

async function probe(path: string): Promise<Probe> {
  try {
    if ((await stat(path)).isDirectory()) return { kind: "denied", reason: "is a directory" };
    await access(path, constants.X_OK);
    return { kind: "program", path };
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === "EACCES" || code === "EPERM") return { kind: "denied", reason: "permission denied" };
    return { kind: "missing" };
  }
}

function judge(name: string, found: Probe): Program {
  if (found.kind === "program") return { path: found.path };
  if (found.kind === "denied") return refusal(126, name, found.reason);
  return refusal(127, name, name.includes("/") ? "no such file or directory" : "command not found");
}

function refusal(exitCode: number, name: string, reason: string): Program {
  return { path: undefined, exitCode, message: `${name}: ${reason}` };
}

/**
 * What a failed start means: the program's fault (its interpreter is missing, it is no executable, the arguments are
 * too long), as exit code and message; undefined when the machine is at fault.
 */
export function startFailure(name: string, error: unknown): Program | undefined {
  const code = systemErrorCode(error);
  if (code === "ENOENT") return refusal(127, name, "its interpreter does not exist");
  if (code === "E2BIG") return refusal(126, name, "argument list too long");
  if (code === "ENOEXEC" || code === "EACCES" || code === "ENOTDIR" || code === "ELOOP" || code === "EISDIR") {
    return refusal(126, name, "cannot execute");
  }
  return undefined;
}
