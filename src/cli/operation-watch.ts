import type { Command } from "commander";
import type { Operation } from "../../gen/google/longrunning/operations_pb.ts";
import { type Clients, fullName, type RemoteFlags } from "./client.ts";
import { type CommandContext, remoteCommand, withExamples } from "./command.ts";
import type { ExitCode } from "./exit-codes.ts";
import { operationJson } from "./operation-json.ts";
import { createPatience } from "./patience.ts";
import type { Shell } from "./shell.ts";
import { type Summary, summarize } from "./summary.ts";
import { printable } from "./text.ts";

interface WatchFlags extends RemoteFlags {
  readonly json?: true;
}

/** What is told of a state; two states that read the same are one. */
function news(flags: WatchFlags, operation: Operation, { stage, result, message, worker }: Summary): string {
  if (flags.json) return JSON.stringify(operationJson(operation));
  return [stage, result, worker, message].map(printable).join("\t").trimEnd();
}

function timed(flags: WatchFlags, text: string, shell: Shell): string {
  if (flags.json) return `${text}\n`;
  const now = new Date(shell.clock.now());
  if (!shell.terminal) return `${now.toISOString()}\t${text}\n`;
  const [stage = "", ...rest] = text.split("\t").filter((cell) => cell !== "");
  return `${now.toTimeString().slice(0, 8)}  ${stage.padEnd(11)}  ${rest.join("  ")}`.trimEnd().concat("\n");
}

/** Prints each change, the keep-alives in between left out, and answers the exit code once it is done. */
async function watch(clients: Clients, flags: WatchFlags, given: string, shell: Shell): Promise<ExitCode> {
  const name = fullName(clients, given);
  const patience = createPatience(shell);
  let last = "";
  for (;;) {
    try {
      for await (const operation of clients.execution.waitExecution({ name }, { signal: shell.signal })) {
        patience.heard();
        const summary = summarize(operation);
        const text = news(flags, operation, summary);
        if (text !== last) shell.out(timed(flags, text, shell));
        last = text;
        if (summary.exitCode !== undefined) return summary.exitCode;
      }
      await patience.breathe();
    } catch (error) {
      await patience.endure(error);
    }
  }
}

/** `opgrid operation watch`. */
export function addWatch(parent: Command, context: CommandContext): void {
  const command = parent
    .command("watch")
    .argument("<name>", "`<instance>/<id>`, or an id in the instance of --instance-name")
    .summary("follow an operation until it is done")
    .description(
      "Prints each change of an operation until it is done. A restart of the server is waited for. Exit codes are those " +
        "of `opgrid operation wait`.",
    )
    .option("--json", "as JSON: a google.longrunning.Operation on each line");
  remoteCommand<WatchFlags, [string]>(command, context, (clients, flags, name) =>
    watch(clients, flags, name, context.shell),
  );
  withExamples(command, "opgrid operation watch main/0198c0de-0000-7000-8000-000000000000");
}
