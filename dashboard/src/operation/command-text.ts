import type { Command } from "../../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import { shellQuote } from "../../../src/base/shell-quote.ts";

/** The arguments as one line of a POSIX shell. */
export function argumentsText(command: Command): string {
  return command.arguments.map(shellQuote).join(" ");
}

/** The command as it can be run in a shell that stands in the input root, with nothing else in its environment. */
export function scriptText(command: Command): string {
  const directory = command.workingDirectory === "" ? "" : `cd ${shellQuote(command.workingDirectory)} && `;
  const variables = command.environmentVariables.map(({ name, value }) => shellQuote(`${name}=${value}`));
  return `${directory}${["env -i", ...variables, argumentsText(command)].join(" ")}`;
}

/** Where the outputs are expected: the new field, or the two old ones. */
export function outputPathsOf(command: Command): readonly string[] {
  if (command.outputPaths.length > 0) return command.outputPaths;
  return [...command.outputFiles, ...command.outputDirectories];
}
